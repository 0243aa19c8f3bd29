package net.core.sock;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import net.core.Cpu;
import net.core.Net;
import net.core.dev.DevGlobals;
import net.core.dev.NetdevFeatures;
import net.core.neigh.DstEntry;
import net.core.task.WaitQueueHead;
import net.core.trace.Landmark;
import net.core.trace.PathTrace;
import net.skbuff.Errno;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import net.skbuff.SkBuffHead;
import net.skbuff.SkbDestructor;
import net.skbuff.SkbDropReason;
import net.skbuff.SkbOwner;
import org.jspecify.annotations.Nullable;

/**
 * The network's half of a socket: queues, memory accounting, options and the lock, whatever the protocol.
 *
 * <p><b>Context:</b> unless a banner says otherwise, fields are read and written under the socket lock (owned by a
 * process, or its spinlock held by a softirq with the socket not owned). {@code err}, {@code shutdown} and the queue
 * lengths are also read without it by poll.
 *
 * <p>{@code Deviation:} no reference count. The garbage collector keeps a sock alive as long as a chain, a queue or a
 * timer can reach it; {@link #skFree} is the one point where its queues and its accounting end.
 *
 * <p>Ideas that Linux keeps in the same file live beside it: {@link SockLock} (lock, backlog), {@link SockMem}
 * (accounting), {@link SockOptions} (SOL_SOCKET), {@link SockStream} and {@link SockQueue} (waiting, datagram queues),
 * {@link SockErrQueue}, {@link SockTimestamp}.
 *
 * <p>Linux: struct sock, include/net/sock.h
 */
public abstract class Sock extends SockLock implements SkbOwner {
    /** {@link #userlocks}: the program fixed the size, auto-tuning leaves it alone. */
    public static final int SOCK_SNDBUF_LOCK = 1;

    public static final int SOCK_RCVBUF_LOCK = 2;
    public static final int SOCK_BINDADDR_LOCK = 4;
    public static final int SOCK_BINDPORT_LOCK = 8;

    /** {@link #pacingStatus}. */
    public static final int SK_PACING_NONE = 0;

    public static final int SK_PACING_NEEDED = 1;
    public static final int SK_PACING_FQ = 2;

    /** Destructor of received packets: returns their bytes to the receive buffer. Linux: sock_rfree() */
    public static final SkbDestructor SOCK_RFREE = SockMem::sockRfree;

    /** Destructor of error-queue packets. Linux: sock_rmem_free() */
    public static final SkbDestructor SOCK_RMEM_FREE = SockMem::sockRmemFree;

    /** Destructor of sent packets: returns their bytes and wakes a writer. Linux: sock_wfree() */
    public static final SkbDestructor SOCK_WFREE = SockMem::sockWfree;

    /** Destructor that only keeps the owner's name on the packet. Linux: sock_efree() */
    public static final SkbDestructor SOCK_EFREE = skb -> {};

    static final VarHandle RMEM_ALLOC;
    static final VarHandle WMEM_ALLOC;
    private static final VarHandle DROPS;
    private static final VarHandle OMEM_ALLOC;
    private static final VarHandle QUEUE_LOCK;

    static {
        try {
            MethodHandles.Lookup lookup = MethodHandles.lookup();
            RMEM_ALLOC = lookup.findVarHandle(Sock.class, "rmemAlloc", int.class);
            WMEM_ALLOC = lookup.findVarHandle(Sock.class, "wmemAlloc", int.class);
            DROPS = lookup.findVarHandle(Sock.class, "drops", int.class);
            OMEM_ALLOC = lookup.findVarHandle(Sock.class, "omemAlloc", int.class);
            QUEUE_LOCK = lookup.findVarHandle(Sock.class, "queueLock", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    // ---- rx ----

    /** Packets ready for the program. TCP: socket lock; datagram protocols: {@link #lockQueue}. */
    public final SkBuffHead receiveQueue = new SkBuffHead();

    /** truesize of received packets not yet read; atomic, packets are freed in any context. */
    private volatile int rmemAlloc;

    /** Bound of {@link #rmemAlloc}, bytes of truesize. */
    public volatile int rcvbuf;

    /** Bytes that must be readable before poll says so. */
    public int rcvlowat = 1;

    /** Reserved for this socket and not yet used, bytes; see {@link SockMem}. */
    public int forwardAlloc;

    /** SO_RESERVE_MEM. */
    public int reservedMem;

    /** Guards {@link #receiveQueue} of datagram protocols and {@link #errorQueue}. */
    @SuppressWarnings("unused") // by QUEUE_LOCK
    private volatile int queueLock;

    private volatile int drops;

    /** Linux: sk_omem_alloc. */
    private volatile int omemAlloc;

    // ---- tx ----

    /** Packets not sent yet; TCP keeps sent ones in its own tree. Made by the protocol that uses it. */
    public @Nullable SkBuffHead writeQueue;

    /** truesize of sent packets not yet freed below; atomic, freed in any context. */
    private volatile int wmemAlloc;

    /** truesize in the write queue and the retransmit queue. */
    public volatile int wmemQueued;

    /** Bound of wmemQueued (stream) or wmemAlloc (datagram). */
    public volatile int sndbuf;

    /** Writers in the middle of a wait. */
    public int writePending;

    /** SO_PRIORITY: skb priority, chosen by tc. */
    public int priority;

    public int mark;
    public int txHash;

    /** Transmit queue of the last packet, so that a flow keeps its queue; -1: none yet. Written by transmit. */
    public int txQueueMapping = -1;

    /** Bytes a second; {@link Long#MAX_VALUE} for no limit. */
    public volatile long pacingRate = Long.MAX_VALUE;

    public long maxPacingRate = Long.MAX_VALUE;

    /** Burst at the pacing rate: rate >> shift, about 1 ms at 10. */
    public byte pacingShift = 10;

    public volatile byte pacingStatus;

    /** What the route's device can do (NETIF_F_*), and the largest GSO packet it takes. */
    public long routeCaps;

    public int gsoMaxSize = 65536;
    public int gsoMaxSegs = 65535;
    public int gsoType;
    public boolean txrehash = true;

    /** SO_NO_CHECK: datagrams without a checksum. */
    public boolean noCheckTx;

    /** Cached route; read without a lock, replaced by {@link #skDstSet}. */
    private volatile @Nullable DstEntry dstCache;

    /** Route of received packets, for early demux. */
    public volatile @Nullable DstEntry rxDst;

    public int rxDstIfindex;
    public int rxDstCookie;
    public boolean dstPendingConfirm;

    // ---- both ----

    /** Who waits for this socket: readers, writers, poll, epoll. */
    public final WaitQueueHead wq = new WaitQueueHead();

    /** The program's half; null once orphaned or while in an accept queue. */
    public volatile @Nullable Socket socket;

    /** Pending error, positive errno; taken by the next call. */
    public volatile int err;

    /** Error that is reported only if the connection fails of it. */
    public int errSoft;

    /** RCV_SHUTDOWN | SEND_SHUTDOWN. */
    public volatile int shutdown;

    /** {@link SockFlag} bits. */
    public volatile int flags;

    public byte userlocks;

    /** SOCK_STREAM, ... */
    public short type;

    public short protocol;

    /** Listener: connections in the accept queue, and their bound. */
    public volatile int ackBacklog;

    public volatile int maxAckBacklog;

    /** Timeouts in nanoseconds, {@link Long#MAX_VALUE} for none. */
    public long rcvtimeoNs = Long.MAX_VALUE;

    public long sndtimeoNs = Long.MAX_VALUE;

    /** SO_LINGER, nanoseconds; meaningful with {@link SockFlag#LINGER}. */
    public long lingertimeNs;

    /** SO_BUSY_POLL, microseconds. */
    public int llUsec;

    public int napiId;
    public short busyPollBudget;
    public boolean preferBusyPoll;

    /** SO_TIMESTAMPING bits, and the next key of SOF_TIMESTAMPING_OPT_ID. */
    public int tsflags;

    public int tskey;

    /** Time of the last packet handed out, ns, for SIOCGSTAMP; 0 for none. */
    public long stampNs;

    public int txtimeClock;
    public int txtimeFlags;
    public int peekOff = -1;
    public int zckey;

    /** Errors and completions for MSG_ERRQUEUE; made when the first one comes. */
    private volatile @Nullable SkBuffHead errorQueue;

    /** What a layer above keeps here; Linux: sk_user_data. */
    public @Nullable Object userData;

    /** Set once {@link #skFree} ran, under the queue lock. */
    private volatile boolean freed;

    private final long cookie;

    protected Sock(Net net, Proto prot, int family, int type, int protocol) {
        super(net);
        this.prot = prot;
        this.family = family;
        this.type = (short) type;
        this.protocol = (short) protocol;
        this.cookie = prot.nextCookie();
        sockInitData();
        prot.sockProtInuseAdd(net, 1);
    }

    /** Defaults of a new sock. Linux: sock_init_data_uid() */
    private void sockInitData() {
        SockSysctl sysctl = SockSysctl.of(net);
        rcvbuf = sysctl.rmemDefault();
        sndbuf = sysctl.wmemDefault();
        state = TcpStates.TCP_CLOSE;
        flags = SockFlag.ZAPPED;
        llUsec = sysctl.busyRead();
        txrehash = sysctl.txrehash();
    }

    /**
     * Makes this new sock a copy of its listener, as a child that only the caller can see: spinlock held, queues empty,
     * no program. Linux: sk_clone_lock(), net/core/sock.c
     */
    public void skCloneLock(Sock parent) {
        initSpinLocked();
        state = parent.state;
        family = parent.family;
        boundDevIf = parent.boundDevIf;
        num = parent.num;
        rcvSaddr = parent.rcvSaddr;
        reuse = parent.reuse;
        reuseport = parent.reuseport;
        ipv6only = parent.ipv6only;
        rcvbuf = parent.rcvbuf;
        sndbuf = parent.sndbuf;
        rcvlowat = parent.rcvlowat;
        priority = parent.priority;
        mark = parent.mark;
        pacingRate = parent.pacingRate;
        maxPacingRate = parent.maxPacingRate;
        pacingShift = parent.pacingShift;
        pacingStatus = parent.pacingStatus;
        gsoType = parent.gsoType;
        txrehash = parent.txrehash;
        userlocks = (byte) (parent.userlocks & ~SOCK_BINDPORT_LOCK);
        flags = parent.flags & ~(SockFlag.DONE | SockFlag.ZAPPED);
        if ((flags & SockFlag.SK_FLAGS_TIMESTAMP) != 0) {
            DevGlobals.of(net.kernel()).netEnableTimestamp();
        }
        rcvtimeoNs = parent.rcvtimeoNs;
        sndtimeoNs = parent.sndtimeoNs;
        lingertimeNs = parent.lingertimeNs;
        llUsec = parent.llUsec;
        busyPollBudget = parent.busyPollBudget;
        preferBusyPoll = parent.preferBusyPoll;
        tsflags = parent.tsflags;
        incomingCpu = -1;
        shutdown = 0;
        err = 0;
        errSoft = 0;
    }

    // ---- callbacks of the protocol: any context, cpu null without a CPU word ----

    /** Data or end of stream to read. Linux: sock_def_readable() */
    @HotPath
    public void dataReady(@Nullable Cpu cpu) {
        if (cpu != null) {
            PathTrace.hit(cpu, null, Landmark.SK_DATA_READY);
        }
        if (hasSleeper()) {
            wq.wake(cpu, PollMask.EPOLLIN | PollMask.EPOLLPRI | PollMask.EPOLLRDNORM | PollMask.EPOLLRDBAND, 1);
        }
    }

    /** Room to write. Linux: sock_def_write_space() */
    @HotPath
    public void writeSpace(@Nullable Cpu cpu) {
        if (sockWriteable() && hasSleeper()) {
            wq.wake(cpu, PollMask.EPOLLOUT | PollMask.EPOLLWRNORM | PollMask.EPOLLWRBAND, 1);
        }
    }

    /** The connection's state changed. Linux: sock_def_wakeup() */
    public void stateChange(@Nullable Cpu cpu) {
        if (hasSleeper()) {
            wq.wake(cpu, 0, Integer.MAX_VALUE);
        }
    }

    /** {@link #err} was set. Linux: sock_def_error_report() */
    public void errorReport(@Nullable Cpu cpu) {
        if (hasSleeper()) {
            wq.wake(cpu, PollMask.EPOLLERR, 1);
        }
    }

    /** {@code Deviation:} in Linux such a bug ends the machine. EIO, and every waiter looks. */
    @Override
    protected void failedInBacklog(Cpu cpu) {
        err = Errno.EIO;
        errorReport(cpu);
        stateChange(cpu);
    }

    /** Orders what was published before against the look at the queue. Linux: skwq_has_sleeper() */
    public final boolean hasSleeper() {
        VarHandle.fullFence();
        return wq.active();
    }

    // ---- life ----

    /**
     * Frees everything the sock holds: queues, backlog, reserved memory, cached routes. Once; later calls do nothing.
     * Context: CPU word held; the protocol is done with it. Linux: sk_free(), sk_destruct(), net/core/sock.c
     */
    public final void skFree(Cpu cpu) {
        lockQueue();
        boolean again = freed;
        freed = true;
        unlockQueue();
        if (again) {
            return;
        }
        destruct(cpu);
        purgeBacklog(cpu);
        receiveQueue.purge(cpu, SkbDropReason.SOCKET_CLOSE);
        SkBuffHead wq = writeQueue;
        if (wq != null) {
            wq.purge(cpu, SkbDropReason.SOCKET_CLOSE);
        }
        SockErrQueue.purge(cpu, this);
        disableTimestamp(SockFlag.SK_FLAGS_TIMESTAMP);
        skDstReset();
        rxDst = null;
        SockMem.reclaimAll(cpu, this);
        Proto p = java.util.Objects.requireNonNull(prot);
        p.sockProtInuseAdd(net, -1);
    }

    /** The protocol's own part of {@link #skFree}, before the common queues go. */
    protected void destruct(Cpu cpu) {}

    /**
     * True once {@link #skFree} began. A softirq that looked the socket up just before asks under {@link #lockQueue}
     * and then doesn't queue: nobody would free the packet.
     */
    public final boolean isFreed() {
        return freed;
    }

    /** Parts sock and program. Context: socket lock. Linux: sock_orphan() */
    public final void sockOrphan() {
        flags |= SockFlag.DEAD;
        socket = null;
    }

    /** Gives an accepted sock to its program. Context: socket lock. Linux: sock_graft() */
    public final void sockGraft(Socket parent) {
        socket = parent;
        parent.sk = this;
        flags &= ~SockFlag.DEAD;
    }

    @Override
    public final boolean isFullSock() {
        return true;
    }

    // ---- flags, errors ----

    public final boolean flag(int sockFlag) {
        return (flags & sockFlag) != 0;
    }

    @SuppressWarnings("NonAtomicOperationOnVolatileField") // socket lock
    public final void setFlag(int sockFlag) {
        flags |= sockFlag;
    }

    @SuppressWarnings("NonAtomicOperationOnVolatileField") // socket lock
    public final void resetFlag(int sockFlag) {
        flags &= ~sockFlag;
    }

    public final void setFlag(int sockFlag, boolean on) {
        if (on) {
            setFlag(sockFlag);
        } else {
            resetFlag(sockFlag);
        }
    }

    /** Takes the pending error: negative errno or 0. Linux: sock_error() */
    public final int sockError() {
        if (err == 0) {
            return 0;
        }
        int taken = err;
        err = 0;
        return -taken;
    }

    /** Large packets are out of the question for this socket, whatever its route's device can do. Linux: sk_gso_disabled. */
    public boolean gsoDisabled() {
        return false;
    }

    /** No large packets from now on. Linux: sk_gso_disable(). */
    public final void gsoDisable() {
        routeCaps &= ~NetdevFeatures.NETIF_F_GSO_MASK;
        gsoMaxSegs = 1;
    }

    /**
     * Charges a socket's options, filters and notices, which have a limit of their own: false if {@code
     * net.core.optmem_max} leaves no room. Linux: sock_kmalloc().
     */
    public final boolean optmemCharge(int bytes) {
        int max = SockSysctl.of(net).optmemMax();
        if (bytes > max || bytes >= max - (int) OMEM_ALLOC.getVolatile(this)) {
            return false;
        }
        OMEM_ALLOC.getAndAdd(this, bytes);
        return true;
    }

    /** Linux: sock_kfree_s(). */
    public final void optmemUncharge(int bytes) {
        OMEM_ALLOC.getAndAdd(this, -bytes);
    }

    /** Bytes charged by {@link #optmemCharge}: SO_MEMINFO. */
    public final int optmem() {
        return (int) OMEM_ALLOC.getVolatile(this);
    }

    public final void dropsAdd(int n) {
        DROPS.getAndAdd(this, n);
    }

    /** Packets dropped for want of room: SO_RXQ_OVFL, SO_MEMINFO. */
    public final int drops() {
        return drops;
    }

    public final long cookie() {
        return cookie;
    }

    /** Sets a flag that needs received packets to be stamped. Context: socket lock. Linux: sock_enable_timestamp() */
    public final void enableTimestamp(int sockFlag) {
        if ((flags & SockFlag.SK_FLAGS_TIMESTAMP) == 0) {
            DevGlobals.of(net.kernel()).netEnableTimestamp();
        }
        setFlag(sockFlag);
    }

    /** Linux: sock_disable_timestamp() */
    public final void disableTimestamp(int sockFlags) {
        if ((flags & SockFlag.SK_FLAGS_TIMESTAMP) != 0) {
            resetFlag(sockFlags);
            if ((flags & SockFlag.SK_FLAGS_TIMESTAMP) == 0) {
                DevGlobals.of(net.kernel()).netDisableTimestamp();
            }
        }
    }

    // ---- memory (details in SockMem) ----

    @Override
    protected final int rmemAllocated() {
        return rmemAlloc;
    }

    /** What backlog and receive queue may hold together, bytes of truesize. Linux: tcp_add_backlog() */
    public final long backlogLimit() {
        return 2L * rcvbuf + (sndbuf >> 1) + (64 << 10);
    }

    /** truesize charged to the receive buffer. */
    public final int rmemAlloc() {
        return rmemAlloc;
    }

    public final void rmemAllocAdd(int bytes) {
        RMEM_ALLOC.getAndAdd(this, bytes);
    }

    /** truesize of packets below that are not freed yet. Linux: sk_wmem_alloc_get() */
    public final int wmemAlloc() {
        return wmemAlloc;
    }

    /** Returns the value before. */
    public final int wmemAllocAdd(int bytes) {
        return (int) WMEM_ALLOC.getAndAdd(this, bytes);
    }

    /** Makes sure {@code size} bytes of reservation exist for sending. Linux: sk_wmem_schedule() */
    @HotPath
    public final boolean wmemSchedule(int size) {
        int delta = size - forwardAlloc;
        return delta <= 0 || SockMem.memSchedule(null, this, delta, SockMem.SK_MEM_SEND);
    }

    @HotPath
    public final boolean wmemSchedule(@Nullable Cpu cpu, int size) {
        int delta = size - forwardAlloc;
        return delta <= 0 || SockMem.memSchedule(cpu, this, delta, SockMem.SK_MEM_SEND);
    }

    /** Makes sure {@code size} bytes of reservation exist for receiving. Linux: sk_rmem_schedule() */
    @HotPath
    public final boolean rmemSchedule(@Nullable Cpu cpu, SkBuff skb, int size) {
        int delta = size - forwardAlloc;
        return delta <= 0 || SockMem.memSchedule(cpu, this, delta, SockMem.SK_MEM_RECV) || skb.pfmemalloc;
    }

    /** Raises the reservation by at least {@code size}, whole pages. Linux: __sk_mem_schedule() */
    public final boolean memSchedule(int size, int kind) {
        return SockMem.memSchedule(null, this, size, kind);
    }

    public final boolean memSchedule(@Nullable Cpu cpu, int size, int kind) {
        return SockMem.memSchedule(cpu, this, size, kind);
    }

    /** Uses reserved bytes. Linux: sk_mem_charge() */
    @HotPath
    public final void memCharge(int size) {
        forwardAlloc -= size;
    }

    /** Returns bytes to the reservation, and whole pages of it to the protocol. Linux: sk_mem_uncharge() */
    @HotPath
    public final void memUncharge(int size) {
        forwardAlloc += size;
        memReclaim(null);
    }

    @HotPath
    public final void memUncharge(@Nullable Cpu cpu, int size) {
        forwardAlloc += size;
        memReclaim(cpu);
    }

    /** Linux: sk_mem_reclaim() */
    @HotPath
    public final void memReclaim(@Nullable Cpu cpu) {
        if (forwardAlloc - unusedReservedMem() >= SockMem.SK_MEM_QUANTUM) {
            SockMem.reclaim(cpu, this);
        }
    }

    public final void memReclaim() {
        memReclaim(null);
    }

    public final int unusedReservedMem() {
        int unused = reservedMem == 0 ? 0 : reservedMem - wmemQueued - rmemAlloc;
        return Math.max(unused, 0);
    }

    /** Makes this sock owner of a received packet and charges it. Linux: skb_set_owner_r() */
    @HotPath
    public final void setOwnerR(SkBuff skb) {
        skb.setOwner(this, SOCK_RFREE);
        RMEM_ALLOC.getAndAdd(this, skb.truesize);
        memCharge(skb.truesize);
    }

    /** Makes this sock owner of a packet on its way down. Linux: skb_set_owner_w() */
    @HotPath
    public final void setOwnerW(SkBuff skb) {
        skb.setOwner(this, SOCK_WFREE);
        WMEM_ALLOC.getAndAdd(this, skb.truesize);
    }

    /** Under half full: a datagram may go. Linux: sock_writeable() */
    public final boolean sockWriteable() {
        return wmemAlloc < sndbuf >> 1;
    }

    /** Bytes of truesize the send buffer still takes. Linux: sk_stream_wspace() */
    public final int streamWspace() {
        return sndbuf - wmemQueued;
    }

    public final int streamMinWspace() {
        return wmemQueued >> 1;
    }

    /** True if a stream write could add data now. Linux: sk_stream_memory_free() */
    @HotPath
    public boolean streamMemoryFree() {
        return wmemQueued < sndbuf;
    }

    /** True if poll reports room: at least a third free. Linux: sk_stream_is_writeable() */
    public final boolean streamIsWriteable() {
        return streamWspace() >= streamMinWspace() && streamMemoryFree();
    }

    // ---- queue lock of datagram protocols and the error queue ----

    /** Short spinlock; nothing sleeps, copies user memory or calls out under it. Any context. */
    @HotPath
    public final void lockQueue() {
        for (int round = 0; !QUEUE_LOCK.compareAndSet(this, 0, 1); round++) {
            net.kernel().scheduler().spinWait(round);
        }
    }

    @HotPath
    public final void unlockQueue() {
        QUEUE_LOCK.setRelease(this, 0);
    }

    /** The error queue if there ever was an error. */
    public final @Nullable SkBuffHead errorQueue() {
        return errorQueue;
    }

    /** The error queue, made now if need be. Context: queue lock. */
    final SkBuffHead errorQueueOrNew() {
        SkBuffHead q = errorQueue;
        if (q == null) {
            q = new SkBuffHead();
            errorQueue = q;
        }
        return q;
    }

    // ---- route cache ----

    /** The cached route, unchecked. Linux: __sk_dst_get() */
    public final @Nullable DstEntry skDstGet() {
        return dstCache;
    }

    /** The cached route if it still holds; an obsolete one is forgotten. Linux: __sk_dst_check() */
    @HotPath
    public final @Nullable DstEntry skDstCheck(int cookie) {
        DstEntry dst = dstCache;
        if (dst != null && dst.obsolete != 0 && dst.check(cookie) == null) {
            skDstReset();
            return null;
        }
        return dst;
    }

    /** Linux: __sk_dst_set() */
    public final void skDstSet(@Nullable DstEntry dst) {
        dstPendingConfirm = false;
        txQueueMapping = -1;
        dstCache = dst;
    }

    public final void skDstReset() {
        dstCache = null;
        txQueueMapping = -1;
        dstPendingConfirm = false;
    }

    // ---- timeouts of a call ----

    /** Nanoseconds a receive may wait: 0 if it must not. Linux: sock_rcvtimeo() */
    public final long rcvtimeo(boolean noblock) {
        return noblock ? 0 : rcvtimeoNs;
    }

    public final long sndtimeo(boolean noblock) {
        return noblock ? 0 : sndtimeoNs;
    }

    /** Bytes a receive waits for. Linux: sock_rcvlowat() */
    public final int rcvlowat(boolean waitall, int len) {
        int v = waitall ? len : Math.min(rcvlowat, len);
        return v == 0 ? 1 : v;
    }

    /** -EINTR: {@code Deviation:} no restart, there are no signals. Linux: sock_intr_errno() */
    public static int sockIntrErrno(long timeoNs) {
        return -Errno.EINTR;
    }

    // ---- waiting (details in SockStream) ----

    /** @see SockStream#waitMemory */
    public final long streamWaitMemory(long timeoNs) {
        return SockStream.waitMemory(this, timeoNs);
    }

    /** @see SockStream#waitConnect */
    public final long streamWaitConnect(long timeoNs) {
        return SockStream.waitConnect(this, timeoNs);
    }

    /** @see SockStream#waitClose */
    public final void streamWaitClose(long timeoNs) {
        SockStream.waitClose(this, timeoNs);
    }

    /** @see SockStream#waitData */
    public final long waitData(long timeoNs, @Nullable SkBuff last) {
        return SockStream.waitData(this, timeoNs, last);
    }

    @Override
    public String toString() {
        Proto p = prot;
        return (p == null ? "sock" : p.name) + "#" + cookie + "[" + TcpStates.name(state) + " "
                + SockAddrIn.text(rcvSaddr) + ":" + num + "-" + SockAddrIn.text(daddr) + ":" + dport + "]";
    }
}
