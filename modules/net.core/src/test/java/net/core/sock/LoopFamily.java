package net.core.sock;

import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import net.core.Cpu;
import net.core.Kernel;
import net.core.Net;
import net.core.Tasklet;
import net.core.task.Scheduler;
import net.core.task.WaitEntry;
import net.core.task.Waiter;
import net.core.time.Clock;
import net.skbuff.Errno;
import net.skbuff.SkBuff;
import net.skbuff.SkbDropReason;
import net.skbuff.UserBuf;
import org.jspecify.annotations.Nullable;

/**
 * A tiny reliable stream protocol for tests of the socket layer, registered as AF_INET: what one side writes travels as
 * packets through a tasklet (so it arrives in softirq, on some CPU, often while the receiver owns its socket) and its
 * acknowledgement back the same way, which frees the sender's memory.
 */
final class LoopFamily implements NetProtoFamily {
    private static final int PAYLOAD = 1024;

    final Kernel kernel;
    final Memory memory;
    final LoopProto proto;
    final Wire[] wires;
    final Map<Integer, LoopSock> listeners = new HashMap<>();
    final AtomicLong backlogged = new AtomicLong();
    final AtomicLong deferred = new AtomicLong();
    final AtomicLong dropped = new AtomicLong();
    private final Ops ops = new Ops();
    private int nextPort = 40_000;

    LoopFamily(Kernel kernel) {
        this.kernel = kernel;
        this.memory = new Memory(kernel);
        this.proto = new LoopProto(this);
        wires = new Wire[kernel.cpus()];
        for (int i = 0; i < wires.length; i++) {
            wires[i] = new Wire();
        }
        SockRegistry.of(kernel).register(this);
        SockRegistry.of(kernel).register(proto);
    }

    @Override
    public int family() {
        return SockConst.AF_INET;
    }

    @Override
    public int create(Net net, Socket sock, int protocol, boolean kern) {
        if (sock.type != SockConst.SOCK_STREAM) {
            return -Errno.ESOCKTNOSUPPORT;
        }
        sock.ops = ops;
        LoopSock sk = (LoopSock) proto.alloc(net, family(), sock.type, protocol);
        sk.sockGraft(sock);
        return 0;
    }

    static LoopSock sk(Socket sock) {
        return (LoopSock) Objects.requireNonNull(sock.sk);
    }

    static final class Memory extends ProtoMemory {
        final long[] limits = {1L << 20, 1L << 21, 1L << 22};
        int entered;
        int left;

        Memory(Kernel kernel) {
            super(kernel);
        }

        @Override
        public long limit(int index) {
            return limits[index];
        }

        @Override
        protected void enteredPressure(@Nullable Cpu cpu, Sock sk) {
            entered++;
        }

        @Override
        protected void leftPressure(@Nullable Cpu cpu, Sock sk, long lastedNs) {
            left++;
        }
    }

    /** Packets on their way, and acknowledgements. */
    final class Wire extends Tasklet {
        private record Item(LoopSock to, @Nullable SkBuff skb, int ack) {}

        private final ConcurrentLinkedQueue<Item> items = new ConcurrentLinkedQueue<>();

        void send(Cpu cpu, LoopSock to, @Nullable SkBuff skb, int ack) {
            items.add(new Item(to, skb, ack));
            cpu.taskletSchedule(this);
        }

        @Override
        protected void run(Cpu cpu) {
            for (Item item = items.poll(); item != null; item = items.poll()) {
                item.to.bhLockSock(cpu);
                if (item.skb != null) {
                    receive(cpu, item.to, item.skb);
                } else if (item.to.ownedByUser()) {
                    deferred.incrementAndGet();
                    item.to.deferredAck.addAndGet(item.ack);
                    item.to.deferWork();
                } else {
                    item.to.acked(cpu, item.ack);
                }
                item.to.bhUnlockSock(cpu);
            }
        }

        private void receive(Cpu cpu, LoopSock to, SkBuff skb) {
            if (!to.ownedByUser()) {
                to.backlogRcv(cpu, skb);
            } else if (to.addBacklog(cpu, skb, to.backlogBound) == 0) {
                backlogged.incrementAndGet();
            } else {
                dropped.incrementAndGet();
                skb.kfree(cpu, SkbDropReason.SOCKET_BACKLOG);
            }
        }
    }

    static final class LoopSock extends Sock {
        final LoopFamily family;
        final ArrayDeque<LoopSock> acceptQueue = new ArrayDeque<>();
        volatile @Nullable LoopSock peer;
        long backlogBound = Long.MAX_VALUE;
        final AtomicInteger deferredAck = new AtomicInteger();
        long received;

        LoopSock(LoopFamily family, Net net, int type) {
            super(net, family.proto, family.family(), type, 0);
            this.family = family;
            family.memory.socketsAllocatedAdd(1);
        }

        @Override
        protected int backlogRcv(Cpu cpu, SkBuff skb) {
            if (skb.cb0 == 1) {
                skb.consume(cpu);
                shutdown |= SockConst.RCV_SHUTDOWN;
                setFlag(SockFlag.DONE);
                dataReady(cpu);
                return 0;
            }
            if (state != TcpStates.TCP_ESTABLISHED || !rmemSchedule(cpu, skb, skb.truesize)) {
                family.dropped.incrementAndGet();
                skb.kfree(cpu, SkbDropReason.PROTO_MEM);
                return 0;
            }
            received += skb.len;
            setOwnerR(skb);
            receiveQueue.addTail(skb);
            check();
            dataReady(cpu);
            return 0;
        }

        @Override
        protected void releaseCb(Cpu cpu) {
            int ack = deferredAck.getAndSet(0);
            if (ack != 0) {
                acked(cpu, ack);
            }
        }

        void acked(Cpu cpu, int truesize) {
            if (isFreed()) {
                return;
            }
            wmemQueued -= truesize;
            memUncharge(cpu, truesize);
            check();
            writeSpace(cpu);
        }

        @Override
        public void writeSpace(@Nullable Cpu cpu) {
            SockStream.streamWriteSpace(cpu, this);
        }

        @Override
        protected void destruct(Cpu cpu) {
            // What the peer never acknowledged.
            forwardAlloc += wmemQueued;
            wmemQueued = 0;
            family.memory.socketsAllocatedAdd(-1);
        }

        void check() {
            if (forwardAlloc < 0 || rmemAlloc() < 0 || wmemQueued < 0) {
                throw new IllegalStateException("negative accounting: forward " + forwardAlloc + " rmem " + rmemAlloc()
                        + " wmem " + wmemQueued);
            }
        }

        void deliver(@Nullable SkBuff skb, int ack) {
            LoopSock to = peer;
            if (to == null) {
                return;
            }
            Cpu cpu = localBhDisable();
            family.wires[cpu.id].send(cpu, to, skb, ack);
            cpu.localBhEnable();
        }
    }

    static final class LoopProto extends Proto {
        final LoopFamily family;

        LoopProto(LoopFamily family) {
            super(family.kernel, "LOOP", family.memory);
            this.family = family;
        }

        @Override
        public Sock alloc(Net net, int fam, int type, int protocol) {
            return new LoopSock(family, net, type);
        }

        @Override
        public void close(Sock sock, long timeoutNs) {
            LoopSock sk = (LoopSock) sock;
            sk.lockSock();
            sk.state = TcpStates.TCP_CLOSE;
            sk.shutdown = SockConst.SHUTDOWN_MASK;
            LoopSock child;
            while ((child = sk.acceptQueue.poll()) != null) {
                close(child, 0);
            }
            sk.sockOrphan();
            Cpu cpu = sk.localBhDisable();
            if (sk.peer != null) {
                fin(sk, cpu);
            }
            sk.purgeBacklog(cpu);
            sk.skFree(cpu);
            cpu.localBhEnable();
            sk.releaseSock();
        }

        @Override
        public void shutdown(Sock sock, int how) {
            LoopSock sk = (LoopSock) sock;
            if ((how & SockConst.SEND_SHUTDOWN) != 0) {
                Cpu cpu = sk.localBhDisable();
                fin(sk, cpu);
                cpu.localBhEnable();
            }
        }

        private void fin(LoopSock sk, Cpu cpu) {
            SkBuff fin = Objects.requireNonNull(cpu.allocSkb(0));
            fin.cb0 = 1;
            family.wires[cpu.id].send(cpu, Objects.requireNonNull(sk.peer), fin, 0);
        }

        @Override
        public int sendmsg(Sock sock, Msghdr msg, int len) {
            LoopSock sk = (LoopSock) sock;
            UserBuf from = Objects.requireNonNull(msg.iter);
            int done = 0;
            int err = 0;
            sk.lockSock();
            long left = sk.sndtimeo((msg.flags & SockConst.MSG_DONTWAIT) != 0);
            if (sk.state != TcpStates.TCP_ESTABLISHED) {
                err = -Errno.EPIPE;
            }
            while (err == 0 && done < len) {
                if ((sk.shutdown & SockConst.SEND_SHUTDOWN) != 0 || sk.err != 0) {
                    err = -Errno.EPIPE;
                    break;
                }
                int n = Math.min(len - done, PAYLOAD);
                SkBuff skb = null;
                if (sk.streamMemoryFree()) {
                    Cpu cpu = sk.localBhDisable();
                    skb = cpu.allocSkb(PAYLOAD);
                    cpu.localBhEnable();
                }
                if (skb == null || !sk.wmemSchedule(skb.truesize)) {
                    if (skb != null) {
                        skb.freeDeferred(SkbDropReason.CONSUMED);
                    }
                    left = sk.streamWaitMemory(left);
                    err = (int) Math.min(left, 0);
                    continue;
                }
                skb.put(n);
                skb.copyDatagramFrom(0, from, n);
                sk.wmemQueued += skb.truesize;
                sk.memCharge(skb.truesize);
                sk.check();
                sk.deliver(skb, 0);
                done += n;
                sk.flushBacklog();
            }
            err = SockStream.streamError(sk, msg.flags, err);
            sk.releaseSock();
            return done > 0 ? done : err;
        }

        @Override
        public int recvmsg(Sock sock, Msghdr msg, int len, int flags) {
            LoopSock sk = (LoopSock) sock;
            UserBuf to = Objects.requireNonNull(msg.iter);
            int done = 0;
            sk.lockSock();
            long left = sk.rcvtimeo((flags & SockConst.MSG_DONTWAIT) != 0);
            while (done < len) {
                SkBuff skb = sk.receiveQueue.peek();
                if (skb != null) {
                    int n = Math.min(len - done, skb.len);
                    skb.copyDatagram(0, to, n);
                    done += n;
                    if ((flags & SockConst.MSG_PEEK) != 0) {
                        break;
                    }
                    skb.pull(n);
                    if (skb.len == 0) {
                        int truesize = skb.truesize;
                        sk.receiveQueue.unlink(skb);
                        skb.freeDeferred(SkbDropReason.CONSUMED);
                        sk.check();
                        sk.deliver(null, truesize);
                    }
                    continue;
                }
                if (done > 0 || (sk.shutdown & SockConst.RCV_SHUTDOWN) != 0) {
                    break;
                }
                int err = sk.state != TcpStates.TCP_ESTABLISHED ? -Errno.ENOTCONN : left == 0 ? -Errno.EAGAIN : 0;
                if (err == 0) {
                    left = sk.waitData(left, null);
                    err = (int) Math.min(left, 0);
                }
                if (err != 0) {
                    sk.releaseSock();
                    return err;
                }
            }
            sk.releaseSock();
            return done;
        }
    }

    /** The operations of a stream. */
    final class Ops extends ProtoOps {
        Ops() {
            super(SockConst.AF_INET);
        }

        @Override
        public int release(Socket sock) {
            LoopSock sk = sk(sock);
            synchronized (listeners) {
                listeners.remove(sk.num, sk);
            }
            proto.close(sk, 0);
            return 0;
        }

        @Override
        public int bind(Socket sock, SockAddr addr) {
            LoopSock sk = sk(sock);
            SockAddrIn in = (SockAddrIn) addr;
            synchronized (listeners) {
                int port = in.port != 0 ? in.port : nextPort++;
                if (listeners.containsKey(port)) {
                    return -Errno.EADDRINUSE;
                }
                sk.num = port;
                sk.rcvSaddr = in.addr;
                listeners.put(port, sk);
            }
            return 0;
        }

        @Override
        public int listen(Socket sock, int backlog) {
            LoopSock sk = sk(sock);
            sk.maxAckBacklog = backlog;
            sk.state = TcpStates.TCP_LISTEN;
            return 0;
        }

        @Override
        public int connect(Socket sock, SockAddr addr, int flags) {
            LoopSock sk = sk(sock);
            SockAddrIn in = (SockAddrIn) addr;
            LoopSock listener;
            synchronized (listeners) {
                listener = listeners.get(in.port);
                sk.num = nextPort++;
            }
            if (listener == null || listener.state != TcpStates.TCP_LISTEN) {
                return -Errno.ECONNREFUSED;
            }
            sk.daddr = in.addr;
            sk.dport = in.port;
            LoopSock child = new LoopSock(LoopFamily.this, sk.net, sk.type);
            child.skCloneLock(listener);
            child.num = listener.num;
            child.daddr = in.addr;
            child.dport = sk.num;
            child.peer = sk;
            child.state = TcpStates.TCP_ESTABLISHED;
            Cpu cpu = sk.localBhDisable();
            child.bhUnlockSock(cpu);
            cpu.localBhEnable();
            sk.lockSock();
            sk.peer = child;
            sk.state = TcpStates.TCP_ESTABLISHED;
            sk.releaseSock();
            synchronized (listener.acceptQueue) {
                listener.acceptQueue.add(child);
            }
            listener.dataReady(null);
            return 0;
        }

        @Override
        public int accept(Socket sock, Socket newsock, ProtoAcceptArg arg) {
            LoopSock sk = sk(sock);
            long left = sk.rcvtimeo((arg.flags & FileFlags.O_NONBLOCK) != 0);
            Scheduler scheduler = kernel.scheduler();
            Waiter waiter = scheduler.currentWaiter();
            WaitEntry entry = waiter.entry();
            sk.wq.addExclusive(entry);
            try {
                for (; ; ) {
                    waiter.prepare();
                    synchronized (sk.acceptQueue) {
                        LoopSock child = sk.acceptQueue.poll();
                        if (child != null) {
                            child.sockGraft(newsock);
                            return 0;
                        }
                    }
                    if (sk.state != TcpStates.TCP_LISTEN) {
                        return -Errno.EINVAL;
                    }
                    if (left <= 0) {
                        return left == 0 ? -Errno.EAGAIN : (int) left;
                    }
                    left = SockStream.park(sk, scheduler, waiter, left);
                }
            } finally {
                waiter.finish();
                sk.wq.remove(entry);
            }
        }

        @Override
        public int getname(Socket sock, @Nullable SockAddr[] out, int which) {
            LoopSock sk = sk(sock);
            boolean peer = which != NAME_OWN;
            if (peer && sk.peer == null) {
                return -Errno.ENOTCONN;
            }
            out[0] = peer ? new SockAddrIn(sk.daddr, sk.dport) : new SockAddrIn(sk.rcvSaddr, sk.num);
            return 0;
        }

        @Override
        public int poll(File file, Socket sock, @Nullable PollTable wait) {
            LoopSock sk = sk(sock);
            if (wait != null) {
                wait.pollWait(file, sk.wq);
            }
            int mask = 0;
            if (sk.state == TcpStates.TCP_LISTEN) {
                synchronized (sk.acceptQueue) {
                    return sk.acceptQueue.isEmpty() ? 0 : PollMask.EPOLLIN | PollMask.EPOLLRDNORM;
                }
            }
            if (!sk.receiveQueue.isEmpty() || (sk.shutdown & SockConst.RCV_SHUTDOWN) != 0) {
                mask |= PollMask.EPOLLIN | PollMask.EPOLLRDNORM;
            }
            if ((sk.shutdown & SockConst.RCV_SHUTDOWN) != 0) {
                mask |= PollMask.EPOLLRDHUP;
            }
            if (sk.streamIsWriteable()) {
                mask |= PollMask.EPOLLOUT | PollMask.EPOLLWRNORM;
            } else {
                sock.setFlag(Socket.SOCK_NOSPACE);
                if (sk.streamIsWriteable()) {
                    mask |= PollMask.EPOLLOUT | PollMask.EPOLLWRNORM;
                }
            }
            return mask;
        }

        @Override
        public int shutdown(Socket sock, int how) {
            LoopSock sk = sk(sock);
            sk.lockSock();
            sk.shutdown |= how + 1;
            proto.shutdown(sk, how + 1);
            sk.releaseSock();
            return 0;
        }

        @Override
        public int sendmsg(Socket sock, Msghdr msg, int len) {
            return proto.sendmsg(sk(sock), msg, len);
        }

        @Override
        public int recvmsg(Socket sock, Msghdr msg, int len, int flags) {
            return proto.recvmsg(sk(sock), msg, len, flags);
        }
    }

    /** A host: kernel with this protocol, two connected descriptors of one process. */
    static final class Host implements AutoCloseable {
        final Kernel kernel;
        final LoopFamily family;
        final Process process;
        final Syscalls sys;

        Host(String... words) {
            kernel = Kernel.boot(words);
            family = new LoopFamily(kernel);
            process = new Process(kernel, kernel.initNet());
            sys = process.syscalls();
        }

        static Host virtual(int cpus, long seed) {
            return new Host("clock=virtual", "cpus=" + cpus, "seed=" + seed, "debug");
        }

        int[] pair() {
            int listener = ok(sys.socket(SockConst.AF_INET, SockConst.SOCK_STREAM, 0));
            ok(sys.bind(listener, new SockAddrIn(SockAddrIn.INADDR_LOOPBACK, 0)));
            ok(sys.listen(listener, 8));
            @Nullable SockAddr[] name = new @Nullable SockAddr[1];
            ok(sys.getsockname(listener, name));
            int client = ok(sys.socket(SockConst.AF_INET, SockConst.SOCK_STREAM, 0));
            ok(sys.connect(client, Objects.requireNonNull(name[0])));
            int server = ok(sys.accept(listener));
            ok(sys.close(listener));
            return new int[] {client, server};
        }

        LoopSock sk(int fd) {
            return LoopFamily.sk(Objects.requireNonNull(sys.sockfdLookup(fd)));
        }

        void sleep(long ns) {
            kernel.scheduler().sleep(ns);
        }

        long now() {
            return kernel.clock().nanoTime();
        }

        @Override
        public void close() {
            process.close();
            kernel.close();
        }
    }

    static int ok(int result) {
        if (result < 0) {
            throw new AssertionError(Errno.name(-result) + ": " + Errno.text(-result));
        }
        return result;
    }

    static long seconds(double s) {
        return (long) (s * Clock.HZ * Clock.NS_PER_JIFFY);
    }
}
