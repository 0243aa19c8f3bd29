package net.testkit.live;

import drivers.tapnic.TapDevice;
import drivers.tapnic.VirtioNetHdr;
import drivers.tapnic.Wire;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.Inet4Address;
import java.net.UnknownHostException;
import java.util.Arrays;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import net.core.sys.Epoll;
import net.core.sys.Sys;
import net.testkit.Frames;
import net.testkit.IoVec;
import net.testkit.TcpFrame;
import org.jspecify.annotations.Nullable;

/**
 * Whoever puts segments of their own making on a wire: spoofed ones, or those of a TCP that does as it likes.
 *
 * <p>Context: sends from one thread; what comes back is read by a thread of its own.
 */
final class Attacker implements AutoCloseable, Runnable {
    static final byte[] MAC = {0x02, 0x66, 0, 0, 0, 1};
    /** Its own address, for those attacks that need answers. */
    static final int ADDRESS = address("10.80.0.66");

    static final int FIN = 1;
    static final int SYN = 2;
    static final int RST = 4;
    static final int PSH = 8;
    static final int ACK = 16;
    /** Frames that a TAP's queue surely holds. */
    static final int BURST = 64;

    private static final int ROOM = 1 << 16;
    private static final int KEPT = 100_000;

    private final TapDevice tap;
    private final byte[] victimMac;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment out = vector();
    private final MemorySegment in = vector();
    private final int wakeFd = Sys.check(Sys.eventfd(0, Sys.EFD_NONBLOCK | Sys.EFD_CLOEXEC), "eventfd");
    private final Epoll epoll = new Epoll(2);
    private final BlockingQueue<TcpFrame> received = new LinkedBlockingQueue<>(KEPT);
    private final Thread thread = new Thread(this, "attacker");
    private volatile boolean closed;

    Attacker(TapDevice tap, byte[] victimMac) {
        this.tap = tap;
        this.victimMac = victimMac;
        epoll.add(wakeFd, Epoll.EPOLLIN, 0);
        epoll.add(tap.queue(0).fd(), Epoll.EPOLLIN, 1);
        thread.setDaemon(true);
        thread.start();
    }

    private MemorySegment vector() {
        MemorySegment vector = arena.allocate(16, 16);
        vector.set(ValueLayout.JAVA_LONG, 0, arena.allocate(ROOM, 64).address());
        return vector;
    }

    static int address(String literal) {
        try {
            byte[] b = Inet4Address.getByName(literal).getAddress();
            return (b[0] & 255) << 24 | (b[1] & 255) << 16 | (b[2] & 255) << 8 | b[3] & 255;
        } catch (UnknownHostException e) {
            throw new IllegalArgumentException(literal, e);
        }
    }

    /** A frame for Softnet, behind a virtio header that asks for nothing. */
    byte[] segment(
            int saddr, int sport, int dport, int seq, int ack, int flags, int window, byte[] options, byte[] payload) {
        int daddr = address(AttackLan.SOFTNET);
        byte[] tcp = Frames.tcp(saddr, daddr, sport, dport, seq, ack, flags, window, 0, options, payload);
        byte[] ip = Frames.ipv4(saddr, daddr, Frames.IPPROTO_TCP, 0, 0, 0x4000, 64, tcp);
        byte[] frame = Frames.ethernet(victimMac, MAC, Frames.ETH_P_IP, ip);
        byte[] all = new byte[VirtioNetHdr.LENGTH + frame.length];
        System.arraycopy(frame, 0, all, VirtioNetHdr.LENGTH, frame.length);
        return all;
    }

    /** Without options and payload. */
    byte[] segment(int saddr, int sport, int dport, int seq, int ack, int flags, int window) {
        return segment(saddr, sport, dport, seq, ack, flags, window, new byte[0], new byte[0]);
    }

    void send(byte[] frame) {
        out.set(ValueLayout.JAVA_LONG, 8, frame.length);
        IoVec.scatter(frame, out.address(), 1);
        int unused = tap.queue(0).transmit(out.address(), 1);
    }

    /** The next segment for {@link #ADDRESS}, or null. */
    @Nullable
    TcpFrame receive(long timeoutMs) throws InterruptedException {
        return received.poll(timeoutMs, TimeUnit.MILLISECONDS);
    }

    void forget() {
        received.clear();
    }

    @Override
    public void run() {
        Wire wire = tap.queue(0);
        while (!closed) {
            epoll.await(-1);
            while (true) {
                in.set(ValueLayout.JAVA_LONG, 8, ROOM);
                int n = wire.receive(in.address(), 1);
                if (n < 0) {
                    break;
                }
                in.set(ValueLayout.JAVA_LONG, 8, n);
                byte[] frame = IoVec.gather(in.address(), 1);
                TcpFrame tcp = TcpFrame.parse(Arrays.copyOfRange(frame, VirtioNetHdr.LENGTH, n));
                if (tcp != null && tcp.daddr == ADDRESS) {
                    boolean unused = received.offer(tcp);
                }
            }
        }
    }

    @Override
    public void close() {
        closed = true;
        Sys.eventfdSignal(wakeFd);
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        tap.close();
        epoll.close();
        Sys.close(wakeFd);
        arena.close();
    }
}
