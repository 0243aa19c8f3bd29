package net.testkit;

import drivers.tapnic.Wire;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.ConcurrentLinkedQueue;
import net.core.sys.Epoll;
import net.core.sys.Sys;
import org.agrona.UnsafeApi;
import org.jspecify.annotations.Nullable;

/**
 * The clockwork of a {@link FaultWire} whose frames take time: a thread that waits for the real wire, for frames of the
 * card and for the next moment at which one is due, and moves what has come.
 *
 * <p>Context: {@link #send} and {@link #arrived} never block and may be called with a CPU's word held; the thread alone
 * touches the links and the real wire.
 */
final class FaultLine implements Runnable {
    private static final int FRAME_ROOM = 128 * 1024;
    /** Frames taken off the real wire before due ones get their turn. */
    private static final int BURST = 64;

    private record Programme(FaultPlan out, FaultPlan in) {}

    private final Wire inner;
    private final FaultLink out;
    private final FaultLink in;
    private final ConcurrentLinkedQueue<byte[]> fromCard = new ConcurrentLinkedQueue<>();
    private final ConcurrentLinkedQueue<byte[]> toCard = new ConcurrentLinkedQueue<>();
    private final int wakeFd = Sys.check(Sys.eventfd(0, Sys.EFD_NONBLOCK | Sys.EFD_CLOEXEC), "eventfd");
    private final Epoll epoll = new Epoll(2);
    private final Arena arena = Arena.ofShared();
    private final MemorySegment iov = arena.allocate(16, 16);
    private final MemorySegment frame = arena.allocate(FRAME_ROOM, 64);
    private final Thread thread;
    private volatile @Nullable Programme next;
    private volatile Wire.Signal signal = () -> {};
    private volatile boolean closed;

    private FaultLine(Wire inner, FaultLink out, FaultLink in) {
        this.inner = inner;
        this.out = out;
        this.in = in;
        epoll.add(wakeFd, Epoll.EPOLLIN | Epoll.EPOLLET, 0);
        if (inner.fd() >= 0) {
            epoll.add(inner.fd(), Epoll.EPOLLIN, 1);
        } else {
            inner.signal(this::wake);
        }
        iov.set(java.lang.foreign.ValueLayout.JAVA_LONG, 0, frame.address());
        thread = new Thread(this, "fault line");
        thread.setDaemon(true);
    }

    static FaultLine start(Wire inner, FaultLink out, FaultLink in) {
        FaultLine line = new FaultLine(inner, out, in);
        line.thread.start();
        return line;
    }

    void signal(Wire.Signal arrival) {
        signal = arrival;
    }

    /** Another plan for both directions, in force with the thread's next step. */
    void program(FaultPlan ofOut, FaultPlan ofIn) {
        next = new Programme(ofOut, ofIn);
        wake();
    }

    /** The card sends a frame. */
    void send(byte[] bytes) {
        fromCard.add(bytes);
        wake();
    }

    /** A frame for the card, or null. */
    byte @Nullable [] arrived() {
        return toCard.poll();
    }

    private void wake() {
        Sys.eventfdSignal(wakeFd);
    }

    @Override
    public void run() {
        Sys.setTimerSlack(1);
        while (!closed) {
            Programme programme = next;
            if (programme != null) {
                next = null;
                out.program(programme.out);
                in.program(programme.in);
            }
            long now = System.nanoTime();
            for (byte[] b = fromCard.poll(); b != null; b = fromCard.poll()) {
                out.offer(b, now);
            }
            boolean more = takeIn(now);
            deliver(now);
            long due = Math.min(out.nextNs(), in.nextNs());
            if (!more) {
                epoll.await(due == Long.MAX_VALUE ? -1 : Math.max(0, due - System.nanoTime()));
            }
        }
    }

    /** @return whether there may be more */
    private boolean takeIn(long now) {
        for (int i = 0; i < BURST; i++) {
            iov.set(java.lang.foreign.ValueLayout.JAVA_LONG, 8, FRAME_ROOM);
            int rc = inner.receive(iov.address(), 1);
            if (rc < 0) {
                return false;
            }
            byte[] bytes = new byte[rc];
            FaultWire.get(bytes, frame.address());
            in.offer(bytes, now);
        }
        return true;
    }

    private void deliver(long now) {
        for (byte[] b = out.poll(now); b != null; b = out.poll(now)) {
            UnsafeApi.putLong(iov.address() + 8, b.length);
            FaultWire.put(b, frame.address());
            int unused = inner.transmit(iov.address(), 1); // a wire that is down loses frames, like any other
        }
        boolean any = false;
        for (byte[] b = in.poll(now); b != null; b = in.poll(now)) {
            toCard.add(b);
            any = true;
        }
        if (any) {
            signal.arrived();
        }
    }

    /** Ends the thread; before the real wire is closed. */
    void close() {
        closed = true;
        wake();
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return;
        }
        epoll.close();
        Sys.close(wakeFd);
        arena.close();
    }
}
