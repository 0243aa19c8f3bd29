package net.tcp;

import static net.tcp.TcpConst.TCP_CA_CWR;
import static net.tcp.TcpConst.TCP_CA_RECOVERY;

import net.core.Cpu;
import net.core.Net;
import net.core.sock.PollMask;
import net.core.sock.Proto;
import net.core.sock.ProtoMemory;
import net.core.sock.SockConst;
import net.core.sock.SockMem;
import net.core.sock.Socket;
import net.core.time.HrTimer;
import net.ipv4.Inet;
import net.ipv4.inet.InetConnectionSock;
import net.ipv4.inet.InetTimewaitSock;
import net.skbuff.HotPath;
import net.skbuff.Page;
import net.skbuff.SkBuff;
import net.skbuff.SkBuffHead;
import net.skbuff.SkbRbTree;
import org.jspecify.annotations.Nullable;

/**
 * A TCP connection, or a listener.
 *
 * <p><b>Context:</b> every field belongs to whoever owns the socket in process context or holds its spinlock in
 * softirq while nobody owns it; {@link #tsqFlags} alone is atomic. Readers without the lock (poll, diagnostics) may see
 * any recent value.
 *
 * <p>The banners group fields by the path that touches them, as the kernel's cache line groups do. Nested structures of
 * the kernel's are flattened: {@code tp->rack.mstamp} is {@code rackMstamp}; {@code selective_acks[i].start_seq} is
 * {@code selectiveAcks[2 * i]}.
 *
 * <p>Linux: struct tcp_sock, include/linux/tcp.h
 */
public class TcpSock extends InetConnectionSock {
    // ---- TX: mostly read while sending

    /** Largest window that the peer has ever offered, bytes. */
    public int maxWindow;
    /** Current clamp of the window we offer; grows with well-formed segments, bytes. */
    public int rcvSsthresh;
    /** How much reordering the path shows, segments. */
    public int reordering;
    /** TCP_NOTSENT_LOWAT, bytes; 0: the sysctl's. */
    public int notsentLowat;
    /** Most segments in one GSO packet; 0 until the first size goal. */
    public int gsoSegs;
    /** Where the next retransmission looks first; null: at the head. */
    public @Nullable SkBuff retransmitSkbHint;

    // ---- TX and RX: mostly read

    /** Added to our clock to make the time stamps we send; in milliseconds. */
    public int tsoffset;
    /** The window that the peer offers, bytes. */
    public int sndWnd;
    /** Effective sending MSS, without SACK blocks, bytes. */
    public int mssCache;
    /** The namespace's settings. */
    public final TcpSysctl sysctl;
    /** The namespace's part of TCP. */
    public final TcpNet tcpNet;
    /** Congestion window, segments; set by {@link #setSndCwnd}. */
    public int sndCwnd;
    /** Segments sent during recovery (PRR). */
    public int prrOut;
    /** Segments marked lost and not yet retransmitted or delivered. */
    public int lostOut;
    /** Segments SACKed, or without SACK the count of duplicate ACKs. */
    public int sackedOut;
    /** Bytes of header with the options of every segment. */
    public int tcpHeaderLen;
    /** Share of a receive buffer's truesize that is payload, in 1/256. */
    public int scalingRatio;
    /** Which chronograph runs, {@code TCP_CHRONO_*}. */
    public int chronoType;
    /** Under repair (TCP_REPAIR): sends no segments. */
    public boolean repair;
    /** Time stamps are in microseconds (RFC 9768 draft, route attribute). */
    public boolean tcpUsecTs;
    /** In recovery from a loss in which the peer took SACKs back. */
    public boolean isSackReneg;
    /** Sending was limited by the congestion window lately. */
    public boolean isCwndLimited;

    // ---- RX: mostly read

    /** Next byte the user will read. */
    public int copiedSeq;
    /** Sequence number of the segment that last updated the window. */
    public int sndWl1;
    /** {@link #sndNxt} at the time of the loss probe; 0: none under way. */
    public int tlpHighSeq;
    /** Smoothed variance of the round trip, microseconds. */
    public int rttvarUs;
    /** Segments retransmitted and still out. */
    public int retransOut;
    /** MSS we announce, bytes. */
    public int advmss;
    /** Urgent byte and its flags {@code TCP_URG_*}. */
    public int urgData;
    /** Segments ever marked lost, retransmissions included. */
    public int lost;
    /** Slow start threshold, segments. */
    public int sndSsthresh;
    /** Windowed minimum of the round trip. */
    public final MinMax rttMin = new MinMax();
    /** Segments received beyond a hole, by sequence number. */
    public final SkbRbTree outOfOrderQueue = new SkbRbTree();

    // ---- TX: written while sending

    /** Segments sent, ever. */
    public int segsOut;
    /** Segments with data sent, ever. */
    public int dataSegsOut;
    /** Bytes of data sent, retransmissions included. */
    public long bytesSent;
    /** End of the last small segment sent (Minshall's Nagle). */
    public int sndSml;
    /** When the running chronograph started, jiffies. */
    public int chronoStart;
    /** Jiffies spent busy, limited by the receive window, limited by the send buffer. */
    public int chronoStatBusy, chronoStatRwndLimited, chronoStatSndbufLimited;
    /** Sequence number after the last byte queued. */
    public int writeSeq;
    /** Last sequence number pushed, needed to stay below the peer's window. */
    public int pushedSeq;
    /** When data was last sent, jiffies. */
    public int lsndtime;
    /** Mean deviation of the round trip, microseconds times 4. */
    public int mdevUs;
    /** Sequence number at which the deviation's maximum is updated. */
    public int rttSeq;
    /** Earliest departure of the next segment, nanoseconds. */
    public long tcpWstampNs;
    /** First of the sent, unacknowledged segments in order of (re)transmission; see {@link TcpTsorted}. */
    public @Nullable SkBuff tsortedHead;
    /** Last of them. */
    public @Nullable SkBuff tsortedTail;
    /** First segment above the highest SACK; null: the send head. */
    public @Nullable SkBuff highestSack;
    /** {@code TCP_ECN_*} bits. */
    public int ecnFlags;
    /** Segments not yet sent; the {@code writeQueue} of every socket, never null here. */
    public final SkBuffHead sendQueue = new SkBuffHead();
    /** Sent and unacknowledged segments, by sequence number. Linux: sk->tcp_rtx_queue. */
    public final SkbRbTree tcpRtxQueue = new SkbRbTree();

    // ---- TX and RX: written

    /** Whether the header prediction may be tried, and what it expects: {@link TcpHdr#flagWord} of the good segment; 0: never. */
    public int predFlags;
    /** Clock of the last refresh, nanoseconds. */
    public long tcpClockCache;
    /** The same in microseconds. */
    public long tcpMstamp;
    /** Next sequence number expected. */
    public int rcvNxt;
    /** {@link #writeSeq} counts a FIN for which there was no memory yet. */
    public boolean finOwed;
    /** Next sequence number to send. */
    public int sndNxt;
    /** First unacknowledged sequence number. */
    public int sndUna;
    /** Largest window to offer, bytes. */
    public int windowClamp;
    /** Smoothed round trip, microseconds times 8. */
    public int srttUs;
    /** Segments sent and not acknowledged cumulatively. */
    public int packetsOut;
    /** Urgent pointer to send. */
    public int sndUp;
    /** Segments delivered, retransmissions included. */
    public int delivered;
    /** Of these, with congestion-experienced marks. */
    public int deliveredCe;
    /** Segments received with congestion-experienced marks; counted only if accurate ECN may be in use. */
    int receivedCe;
    /** State of accurate ECN; null: it can't be in use. */
    @Nullable
    TcpAccEcn accEcn;
    /** Limited by the application until this much is delivered; 0: not limited. */
    public int appLimited;
    /** The window we offered last, bytes. */
    public int rcvWnd;
    /** Options received and agreed. */
    public final TcpOptionsReceived rxOpt = new TcpOptionsReceived();
    /** {@code TCP_NAGLE_*} bits. */
    public int nonagle;
    /** The last rate sample was limited by the application. */
    public boolean rateAppLimited;

    // ---- RX: written

    /** Bytes of data received in order, ever. */
    public long bytesReceived;
    /** When the last ACK came, jiffies (for keepalives). */
    public int rcvTstamp;
    /** Segments received, ever. */
    public int segsIn;
    /** Segments with data received, ever. */
    public int dataSegsIn;
    /** {@link #rcvNxt} when the last window was offered. */
    public int rcvWup;
    /** Most segments out in the last window. */
    public int maxPacketsOut;
    /** Right edge of {@link #maxPacketsOut}'s window. */
    public int cwndUsageSeq;
    /** Saved rate sample: segments delivered. */
    public int rateDelivered;
    /** Saved rate sample: interval, microseconds. */
    public int rateIntervalUs;
    /** Time stamp echo last used for the receiver's round trip. */
    public int rcvRttLastTsecr;
    /** Start of the window's send phase, microseconds. */
    public long firstTxMstamp;
    /** When {@link #delivered} was last raised, microseconds. */
    public long deliveredMstamp;
    /** Bytes acknowledged, ever. */
    public long bytesAcked;
    /** Receiver's round trip estimate: microseconds times 8. */
    public int rcvRttEstRttUs;
    /** Receiver's round trip estimate: sequence number that ends the measurement. */
    public int rcvRttEstSeq;
    /** Receiver's round trip estimate: start of the measurement, microseconds. */
    public long rcvRttEstTime;
    /** Receive buffer tuning: bytes copied in the last round trip. */
    public int rcvqSpaceSpace;
    /** Receive buffer tuning: sequence number at the start. */
    public int rcvqSpaceSeq;
    /** Receive buffer tuning: start of the measurement, microseconds. */
    public long rcvqSpaceTime;

    // ---- The rest

    /** {@code TSQF_*}/{@code TCPF_*_DEFERRED} bits: work left for releaseCb or the TSQ tasklet. Atomic: {@link TcpTsq}. */
    public volatile int tsqFlags;
    /** Link in a CPU's TSQ list. */
    public @Nullable TcpSock tsqNext;
    /** D-SACKs received. */
    public int dsackDups;
    /** {@link #rcvNxt} when ACK compression began. */
    public int compressedAckRcvNxt;
    /** RACK: send time of the latest delivered segment, microseconds. */
    public long rackMstamp;
    /** RACK: its round trip, microseconds. */
    public int rackRttUs;
    /** RACK: its end sequence number. */
    public int rackEndSeq;
    /** RACK: {@link #delivered} at the last reordering window adjustment. */
    public int rackLastDelivered;
    /** RACK: reordering window, in quarters of the minimum round trip. */
    public int rackReoWndSteps;
    /** RACK: recoveries for which the window persists. */
    public int rackReoWndPersist;
    /** RACK: a D-SACK was seen since the last adjustment. */
    public boolean rackDsackSeen;
    /** RACK: {@link #rackMstamp} advanced since the last loss detection. */
    public boolean rackAdvanced;
    /** ACKs held back by compression. */
    public int compressedAck;
    /** Duplicate ACKs that went out uncompressed. */
    public int dupAckCounter;
    /** The loss probe was a retransmission. */
    public boolean tlpRetrans;
    /** Thin stream: linear time-outs. */
    public boolean thinLto;
    /** TCP_FASTOPEN_CONNECT. */
    public boolean fastopenConnect;
    /** Fast open without cookie. */
    public boolean fastopenNoCookie;
    /** Why fast open failed, for TCP_INFO. */
    public int fastopenClientFail;
    /** F-RTO is under way (RFC 5682). */
    public boolean frto;
    /** TCP_REPAIR_QUEUE. */
    public int repairQueue;
    /** A listener: when it last answered a SYN with a cookie, jiffies; 0: never. Written by any CPU, without a lock. */
    public volatile int synqOverflow;
    /** TCP_SAVE_SYN: 0, 1 or 2. */
    public int saveSyn;
    /** The SYN carried data. */
    public boolean synData;
    /** The SYN carried a fast open option. */
    public boolean synFastopen;
    /** ... the experimental one. */
    public boolean synFastopenExp;
    /** ... in its cookie request form. */
    public boolean synFastopenCh;
    /** The SYN's data was acknowledged. */
    public boolean synDataAcked;
    /** Child of a fast open listener, not yet established. */
    public boolean synFastopenChild;
    /** The request of a fast open child until its handshake is over. Read by poll without the lock. */
    volatile @Nullable TcpRequestSock fastopenRsk;
    /** A connect that carries data, until its SYN has gone. */
    @Nullable
    TcpFastOpenRequest fastopenReq;
    /** Bytes that the SYN of the last {@link TcpFastOpenClient#sendmsg} took. */
    int fastopenCopied;
    /** TCP_KEEPCNT; 0: the sysctl's. */
    public int keepaliveProbes;
    /** TCP_TX_DELAY, microseconds. */
    public int tcpTxDelay;
    /** Largest deviation in the current round trip, microseconds. */
    public int mdevMaxUs;
    /** Times that reordering was seen. */
    public int reordSeen;
    /** Linear growth counter of the congestion window. */
    public int sndCwndCnt;
    /** Never let the congestion window grow beyond this. */
    public int sndCwndClamp;
    /** Most segments used in the current window validation period. */
    public int sndCwndUsed;
    /** When the window was last validated, jiffies. */
    public int sndCwndStamp;
    /** Congestion window before the current reduction. */
    public int priorCwnd;
    /** Segments delivered during recovery (PRR). */
    public int prrDelivered;
    /** When an ACK for an out-of-window segment last went out, jiffies. */
    public int lastOowAckTime;
    /** Sends what pacing held back; made with the socket. */
    public @Nullable HrTimer pacingTimer;
    /** Sends the ACK that compression held back; made at first use. */
    public @Nullable HrTimer compressedAckTimer;
    /** The last segment put into {@link #outOfOrderQueue}. */
    public @Nullable SkBuff oooLastSkb;
    /** D-SACK block to send. */
    public int duplicateSackStart, duplicateSackEnd;
    /** SACK blocks to send, {@code {start, end}} pairs, newest first. */
    public final int[] selectiveAcks = new int[2 * TcpConst.TCP_NUM_SACKS];
    /** SACK blocks of the last ACK received, {@code {start, end}} pairs. */
    public final int[] recvSackCache = new int[2 * TcpConst.TCP_NUM_SACKS];
    /** Slow start threshold saved at the start of recovery. */
    public int priorSsthresh;
    /** {@link #sndNxt} at the onset of congestion. */
    public int highSeq;
    /** When the first retransmission of this recovery went out (time stamp units); 0: none. */
    public int retransStamp;
    /** {@link #sndUna} at that time. */
    public int retransStampUna;
    /** {@link #sndUna} at the start of the recovery that may be undone; 0: none. */
    public int undoMarker;
    /** Retransmissions that a D-SACK has not yet proven needless. */
    public int undoRetrans;
    /** Bytes retransmitted, ever. */
    public long bytesRetrans;
    /** Segments retransmitted, ever. */
    public int totalRetrans;
    /** Start of the current run of time-outs (time stamp units, milliseconds). */
    public int rtoStamp;
    /** Time-outs, ever. */
    public int totalRto;
    /** Runs of time-outs, ever. */
    public int totalRtoRecoveries;
    /** Milliseconds spent in them. */
    public int totalRtoTime;
    /** Sequence number of the received urgent pointer. */
    public int urgSeq;
    /** TCP_KEEPIDLE, jiffies; 0: the sysctl's. */
    public int keepaliveTime;
    /** TCP_KEEPINTVL, jiffies; 0: the sysctl's. */
    public int keepaliveIntvl;
    /** TCP_LINGER2, jiffies; 0: the sysctl's; -1: no FIN_WAIT2. */
    public int linger2;
    /** Rehashes of the flow because of time-outs. */
    public int timeoutRehash;
    /** Segments received out of order. */
    public int rcvOoopack;
    /** Sequence range of the path MTU probe under way; start 0: none. */
    public int mtuProbeSeqStart, mtuProbeSeqEnd;
    /** MTU from an ICMP message that met an owned socket. */
    public int mtuInfo;
    /** Append the number of bytes in queue to each read (TCP_INQ). */
    public boolean recvmsgInq;
    /** Keys of signed segments; null: never had one. Read without the lock. Linux: md5sig_info. */
    @Nullable
    volatile TcpMd5Keys md5;
    /** The SYN that TCP_SAVE_SYN kept. */
    public byte @Nullable [] savedSyn;

    /** Page that this socket's next written bytes go to; its reference. */
    public @Nullable Page fragPage;
    /** Where in {@link #fragPage} free space begins. */
    public int fragOffset;

    // ---- Congestion control

    /** The congestion control in force; see {@link TcpCong}. Linux: icsk_ca_ops. */
    public @Nullable TcpCongestionOps congOps;
    /** Its state for this connection. Linux: icsk_ca_priv. */
    public @Nullable Object ca;

    /** A socket as new; {@link TcpProt#init} sets its defaults. */
    public TcpSock(Net net, Proto prot) {
        super(net, prot, SockConst.AF_INET, SockConst.SOCK_STREAM, Inet.IPPROTO_TCP);
        tcpNet = TcpNet.of(net);
        sysctl = tcpNet.sysctl;
        writeQueue = sendQueue;
    }

    /** Charges, or uncharges, the send buffer. Linux: sk_wmem_queued_add(). */
    @HotPath
    @SuppressWarnings("NonAtomicVolatileUpdate") // socket lock
    final void wmemQueuedAdd(int bytes) {
        wmemQueued += bytes;
    }

    /** Reserves at least {@code delta} more bytes whatever the limits say. Linux: sk_forced_mem_schedule(). */
    final void forcedMemSchedule(@Nullable Cpu cpu, int delta) {
        int pages = SockMem.pages(delta);
        forwardAlloc += pages * SockMem.SK_MEM_QUANTUM;
        ProtoMemory memory = Tcp.memory(this);
        if (memory != null) {
            memory.add(cpu, pages);
        }
    }

    // ---- what the layers below call

    @Override
    protected int backlogRcv(Cpu cpu, SkBuff skb) {
        return TcpV4.tcpV4DoRcv(cpu, this, skb);
    }

    @Override
    protected void releaseCb(Cpu cpu) {
        TcpTsq.releaseCb(cpu, this);
    }

    @Override
    protected void writeTimer(Cpu cpu) {
        TcpTimer.writeTimer(cpu, this);
    }

    @Override
    protected void delackTimer(Cpu cpu) {
        TcpTimer.delackTimer(cpu, this);
    }

    @Override
    protected void keepaliveTimer(Cpu cpu) {
        TcpKeepalive.timer(cpu, this);
    }

    @Override
    protected boolean twskUnique(Cpu cpu, InetTimewaitSock tw) {
        return tw instanceof TcpTimewaitSock t && TcpMinisocks.twskUnique(cpu, this, t);
    }

    @Override
    protected boolean twskMayReuse(Cpu cpu, InetTimewaitSock tw) {
        return tw instanceof TcpTimewaitSock t && TcpMinisocks.twskMayReuse(cpu, this, t);
    }

    @Override
    protected void disconnectChild(Cpu cpu) {
        TcpClose.disconnectChild(cpu, this);
    }

    /** A signature covers one segment: no device may make more of it. */
    @Override
    public boolean gsoDisabled() {
        return md5 != null;
    }

    @Override
    public boolean streamMemoryFree() {
        return Tcp.streamMemoryFree(this, 0);
    }

    /** Linux: sk_stream_write_space(). */
    @Override
    public void writeSpace(@Nullable Cpu cpu) {
        Socket program = socket;
        if (program != null && Tcp.streamIsWriteable(this, 1)) {
            program.clearFlag(Socket.SOCK_NOSPACE);
            if (hasSleeper()) {
                wq.wake(cpu, PollMask.EPOLLOUT | PollMask.EPOLLWRNORM | PollMask.EPOLLWRBAND, 1);
            }
        }
    }

    /** Segments that the network may still hold. RFC 6675 "pipe"; Linux: tcp_packets_in_flight(). */
    @HotPath
    public final int packetsInFlight() {
        return packetsOut - sackedOut - lostOut + retransOut;
    }

    /** Segments that left the network: SACKed or lost. Linux: tcp_left_out(). */
    public final int leftOut() {
        return sackedOut + lostOut;
    }

    /** Sets the congestion window, which is never 0. Linux: tcp_snd_cwnd_set(). */
    public final void setSndCwnd(int segments) {
        if (segments <= 0) {
            throw new IllegalStateException("congestion window of " + segments);
        }
        sndCwnd = segments;
    }

    /** Below the slow start threshold. Linux: tcp_in_slow_start(). */
    public final boolean inSlowStart() {
        return sndCwnd < sndSsthresh;
    }

    /** Never had congestion. Linux: tcp_in_initial_slowstart(). */
    public final boolean inInitialSlowStart() {
        return sndSsthresh >= TcpConst.TCP_INFINITE_SSTHRESH;
    }

    /** Reducing the window already (CWR or Recovery). Linux: tcp_in_cwnd_reduction(). */
    public final boolean inCwndReduction() {
        return icskCaState == TCP_CA_CWR || icskCaState == TCP_CA_RECOVERY;
    }

    /** Threshold that reflects the window in use; 3/4 of it unless reducing. Linux: tcp_current_ssthresh(). */
    public final int currentSsthresh() {
        return inCwndReduction() ? sndSsthresh : Math.max(sndSsthresh, (sndCwnd >> 1) + (sndCwnd >> 2));
    }

    /** Right edge of the send window. Linux: tcp_wnd_end(). */
    public final int wndEnd() {
        return sndUna + sndWnd;
    }

    /** Sending is limited by the congestion window (so it may grow). Linux: tcp_is_cwnd_limited(). */
    public final boolean cwndLimited() {
        if (isCwndLimited) {
            return true;
        }
        // Slow start may double on a window that was at least half used.
        return inSlowStart() && sndCwnd < 2 * maxPacketsOut;
    }

    /** What is left of the window we offered last, bytes. Linux: tcp_receive_window(). */
    @HotPath
    public final int receiveWindow() {
        return Math.max(0, rcvWup + rcvWnd - rcvNxt);
    }

    /** Payload that fits in a buffer of the given truesize. Linux: tcp_win_from_space(). */
    public final int winFromSpace(int space) {
        return (int) ((long) space * scalingRatio >> 8);
    }

    /** Truesize that a window of payload needs. Linux: tcp_space_from_win(). */
    public final int spaceFromWin(int win) {
        return (int) Math.min(Integer.MAX_VALUE, ((long) win << 8) / scalingRatio);
    }

    /** SACK was agreed. Linux: tcp_is_sack(). */
    public final boolean isSack() {
        return rxOpt.sackOk != 0;
    }

    /** SACK was not agreed. Linux: tcp_is_reno(). */
    public final boolean isReno() {
        return rxOpt.sackOk == 0;
    }

    /** First segment not yet sent. Linux: tcp_send_head(). */
    public final @Nullable SkBuff sendHead() {
        return sendQueue.peek();
    }

    /** First unacknowledged segment. Linux: tcp_rtx_queue_head(). */
    public final @Nullable SkBuff rtxQueueHead() {
        return tcpRtxQueue.first();
    }

    /** Last unacknowledged segment. Linux: tcp_rtx_queue_tail(). */
    public final @Nullable SkBuff rtxQueueTail() {
        return tcpRtxQueue.last();
    }

    /** Nothing waits to be sent for the first time or acknowledged. Linux: tcp_rtx_and_write_queues_empty(). */
    public final boolean rtxAndWriteQueuesEmpty() {
        return tcpRtxQueue.isEmpty() && sendQueue.isEmpty();
    }

    /** Time stamp of now, in the unit of the connection's option. Linux: tcp_time_stamp_ts(). */
    public final int timeStampTs() {
        return tcpUsecTs ? (int) tcpMstamp : timeStampMs();
    }

    /** Time stamp of now in milliseconds. Linux: tcp_time_stamp_ms(). */
    public final int timeStampMs() {
        return (int) (tcpMstamp / 1000);
    }

    /** Reads the clock anew for this connection. Linux: tcp_mstamp_refresh(). */
    @HotPath
    public final void mstampRefresh(long nowNs) {
        tcpClockCache = nowNs;
        tcpMstamp = nowNs / 1000;
    }
}
