package net.tcp;

import java.util.concurrent.atomic.AtomicReference;
import net.core.Cpu;
import net.core.PerCpu;
import net.core.Tasklet;
import net.ipv4.route.Flowi4;
import net.skbuff.HotPath;
import org.jspecify.annotations.Nullable;

/**
 * TCP's part of a CPU: flyweights and scratch structures that the kernel has on its stack.
 *
 * <p><b>Context:</b> the holder of the CPU's word. Softirqs don't nest, so one of each is enough; {@link #rxTh} belongs
 * to the segment being received, {@link #txTh} to the one being built.
 */
public final class TcpPcpu {
    static final PerCpu<TcpPcpu> SLOT = new PerCpu<>();

    /** Header of the segment being received. */
    public final TcpHdr rxTh = new TcpHdr();
    /** Header of the segment being built. */
    public final TcpHdr txTh = new TcpHdr();
    /** Options of the segment being built. */
    public final TcpOutOptions outOptions = new TcpOutOptions();
    /** Options of a segment that belongs to no full socket. */
    public final TcpOptionsReceived tmpOpt = new TcpOptionsReceived();
    /** Why a write must wait; results of the send tests. */
    public boolean isCwndLimited;
    /** As {@link #isCwndLimited}, for the peer's window. */
    public boolean isRwndLimited;
    /** Result of {@link TcpWindow#selectInitialWindow}: window, clamp, shift. */
    public int initRcvWnd, initWindowClamp, initRcvWscale;
    /** Initial sequence number for a SYN that ends a TIME_WAIT; 0: none. Linux: tcp_tw_isn. */
    public int twIsn;
    /** Fast open option of the SYN-ACK; see {@link TcpFastOpen#tryFastopen}. */
    @Nullable
    TcpFastOpenCookie fastopenReply;
    /** {@link TcpCheckReq#tcpCheckReq} lost its request to another CPU. */
    boolean reqStolen;
    /** Route questions of connect, SYN-ACKs and replies. */
    final Flowi4 fl4 = new Flowi4();
    /** Header compared with {@link #rxTh}. */
    final TcpHdr tailTh = new TcpHdr();
    /** Sends what the small queues held back. */
    final Tasklet tsqTasklet = new Tasklet() {
        @Override
        protected void run(Cpu cpu) {
            TcpTsq.action(cpu);
        }
    };
    /** Signs segments (RFC 2385); null until a socket has a key. */
    @Nullable
    volatile TcpMd5Hash md5;
    /** Signs the answer that is being built; see {@link TcpMd5#mayReset}. */
    @Nullable
    TcpMd5Key md5Key;
    /** Sockets whose small queue has drained, pushed by anyone. */
    final AtomicReference<@Nullable TcpSock> tsqList = new AtomicReference<>();

    TcpPcpu() {}

    /** TCP's part of a CPU. */
    @HotPath
    public static TcpPcpu of(Cpu cpu) {
        return SLOT.get(cpu);
    }
}
