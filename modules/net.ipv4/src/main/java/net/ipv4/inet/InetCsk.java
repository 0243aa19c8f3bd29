package net.ipv4.inet;

import net.core.Cpu;
import net.core.neigh.DstEntry;
import net.core.sock.Proto;
import net.core.sock.ProtoAcceptArg;
import net.core.sock.Sock;
import net.core.sock.TcpStates;
import net.core.task.Scheduler;
import net.core.task.WaitEntry;
import net.core.task.Waiter;
import net.ipv4.Ipv4Net;
import net.ipv4.route.Flowi4;
import net.ipv4.route.Route;
import net.ipv4.route.Rtable;
import net.skbuff.Errno;
import org.jspecify.annotations.Nullable;

/**
 * What connection protocols share beyond their structures: listening, accepting, destroying, and routes for handshakes
 * and children.
 *
 * <p>Linux: net/ipv4/inet_connection_sock.c
 */
public final class InetCsk {
    private InetCsk() {}

    /**
     * Turns a socket into a listener; the port is asked for again, since the rules for listeners are stricter.
     *
     * <p>Context: process, socket owned. Linux: inet_csk_listen_start()
     */
    public static int listenStart(InetConnectionSock sk) {
        if (sk.icskAcceptQueue == null) {
            sk.icskAcceptQueue = new RequestSockQueue();
        }
        sk.ackBacklog = 0;
        sk.delackInit();
        Proto prot = proto(sk);
        Cpu cpu = sk.localBhDisable();
        try {
            sk.state = TcpStates.TCP_LISTEN;
            int err = prot.getPort(cpu, sk, sk.num);
            if (err == 0) {
                sk.sport = sk.num;
                sk.skDstReset();
                err = prot.hash(cpu, sk);
                if (err == 0) {
                    return 0;
                }
            }
            sk.state = TcpStates.TCP_CLOSE;
            return err;
        } finally {
            cpu.localBhEnable();
        }
    }

    private static Proto proto(Sock sk) {
        Proto prot = sk.prot;
        if (prot == null) {
            throw new IllegalStateException("socket without a protocol");
        }
        return prot;
    }

    /**
     * Destroys the connections that nobody accepted.
     *
     * <p>Context: process, socket owned, no CPU word; the state is CLOSE and the listener unhashed. Linux:
     * inet_csk_listen_stop()
     */
    public static void listenStop(InetConnectionSock sk) {
        for (RequestSock req; (req = ReqskQueue.remove(sk)) != null; ) {
            InetConnectionSock child = req.sk;
            if (child == null) {
                continue;
            }
            Cpu cpu = sk.localBhDisable();
            try {
                child.bhLockSock(cpu);
                childForgetLocked(cpu, child);
                child.bhUnlockSock(cpu);
            } finally {
                cpu.localBhEnable();
            }
        }
    }

    /** Destroys a child that no program has seen. Context: CPU word. Linux: inet_child_forget(). */
    static void childForget(Cpu cpu, InetConnectionSock child) {
        childForgetLocked(cpu, child);
    }

    private static void childForgetLocked(Cpu cpu, InetConnectionSock child) {
        child.disconnectChild(cpu);
        child.sockOrphan();
        Proto prot = proto(child);
        if (prot.memory != null) {
            prot.memory.orphanCountAdd(1);
        }
        destroySock(cpu, child);
    }

    /**
     * Ends a socket: closed, dead, unhashed. Linux: inet_csk_destroy_sock().
     *
     * <p>Context: CPU word; the socket is locked or nobody else can reach it.
     */
    public static void destroySock(Cpu cpu, InetConnectionSock sk) {
        Proto prot = proto(sk);
        prot.destroy(cpu, sk);
        if (prot.memory != null) {
            prot.memory.orphanCountAdd(-1);
        }
        sk.skFree(cpu);
    }

    /**
     * Next connection of a listener; waits for one unless told not to.
     *
     * <p>Context: process, no lock. Linux: inet_csk_accept()
     */
    public static @Nullable Sock accept(InetConnectionSock sk, ProtoAcceptArg arg) {
        sk.lockSock();
        try {
            if (sk.state != TcpStates.TCP_LISTEN) {
                arg.err = -Errno.EINVAL;
                return null;
            }
            RequestSockQueue queue = ReqskQueue.queue(sk);
            if (queue.isEmpty()) {
                long timeo = sk.rcvtimeo((arg.flags & net.core.sock.FileFlags.O_NONBLOCK) != 0);
                int err = timeo == 0 ? -Errno.EAGAIN : waitForConnect(sk, timeo);
                if (err != 0) {
                    arg.err = err;
                    return null;
                }
            }
            RequestSock req = ReqskQueue.remove(sk);
            arg.isEmpty = queue.isEmpty();
            if (req == null || req.sk == null) {
                arg.err = -Errno.EAGAIN;
                return null;
            }
            arg.err = 0;
            InetConnectionSock child = req.sk;
            if (req instanceof InetRequestSock ireq && ireq.tfoListener) {
                queue.fastopenq.accepted(req);
            }
            return child;
        } finally {
            sk.releaseSock();
        }
    }

    /** Linux: inet_csk_wait_for_connect(). */
    private static int waitForConnect(InetConnectionSock sk, long timeoNs) {
        Scheduler scheduler = sk.kernel().scheduler();
        Waiter waiter = scheduler.currentWaiter();
        long now = sk.kernel().clock().nanoTime();
        long deadline = timeoNs == Long.MAX_VALUE ? Long.MAX_VALUE : now + timeoNs;
        WaitEntry entry = waiter.entry();
        RequestSockQueue queue = ReqskQueue.queue(sk);
        sk.wq.addExclusive(entry);
        try {
            for (; ; ) {
                waiter.prepare();
                boolean inTime = true;
                sk.releaseSock();
                if (queue.isEmpty() && sk.state == TcpStates.TCP_LISTEN) {
                    inTime = scheduler.park(waiter, deadline);
                }
                sk.lockSock();
                if (!queue.isEmpty()) {
                    return 0;
                }
                if (sk.state != TcpStates.TCP_LISTEN) {
                    return -Errno.EINVAL;
                }
                if (waiter.interrupted()) {
                    return -Errno.EINTR;
                }
                if (!inTime) {
                    return -Errno.EAGAIN;
                }
            }
        } finally {
            waiter.finish();
            sk.wq.remove(entry);
        }
    }

    /** Events of a listener. Linux: inet_csk_listen_poll(). */
    public static int listenPoll(InetConnectionSock sk) {
        RequestSockQueue queue = sk.icskAcceptQueue;
        return queue == null || queue.isEmpty()
                ? 0
                : net.core.sock.PollMask.EPOLLIN | net.core.sock.PollMask.EPOLLRDNORM;
    }

    // ---- routes

    /** The route of a SYN-ACK; null if there is none. {@code fl4} keeps the answer. Linux: inet_csk_route_req(). */
    public static @Nullable Rtable routeReq(Cpu cpu, InetConnectionSock sk, Flowi4 fl4, InetRequestSock req) {
        Ipv4Net v4 = Ipv4Net.of(req.net);
        int oif = req.irIif != 0 ? req.irIif : sk.boundDevIf;
        int daddr = req.ireqOpt != null && req.ireqOpt.srr != 0 ? req.ireqOpt.faddr : req.daddr;
        fl4.init(
                oif,
                req.irMark,
                sk.tos,
                Route.scopeOf(sk),
                sk.protocol,
                Route.flowFlags(sk),
                daddr,
                req.rcvSaddr,
                req.dport,
                req.num);
        Rtable rt = Route.ipRouteOutputFlow(cpu, req.net, fl4, sk);
        if (rt == null || req.ireqOpt != null && req.ireqOpt.isStrictroute && rt.rtUsesGateway) {
            v4.ip.inc(cpu, net.ipv4.IpMib.Ip.OUTNOROUTES);
            return null;
        }
        return rt;
    }

    /** The route of a new child. Linux: inet_csk_route_child_sock(). */
    public static @Nullable Rtable routeChildSock(
            Cpu cpu, InetConnectionSock listener, InetConnectionSock child, InetRequestSock req) {
        return routeReq(cpu, listener, Ipv4Net.scratch(cpu).fl4Child, req);
    }

    /** The path MTU became smaller: remembers it and returns the route to use now. Linux: inet_csk_update_pmtu(). */
    public static @Nullable DstEntry updatePmtu(Cpu cpu, InetConnectionSock sk, int mtu) {
        DstEntry dst = sk.skDstCheck(0);
        if (dst == null) {
            dst = rebuildRoute(cpu, sk);
            if (dst == null) {
                return null;
            }
        }
        dst.ops.updatePmtu(cpu, dst, sk, null, mtu, true);
        dst = sk.skDstCheck(0);
        return dst != null ? dst : rebuildRoute(cpu, sk);
    }

    /** Looks a connected socket's route up again and caches it. Linux: inet_csk_rebuild_route(). */
    public static @Nullable Rtable rebuildRoute(Cpu cpu, InetSock sk) {
        Flowi4 fl4 = Ipv4Net.scratch(cpu).fl4Xmit;
        int daddr = sk.inetOpt != null && sk.inetOpt.srr != 0 ? sk.inetOpt.faddr : sk.daddr;
        fl4.init(
                sk.boundDevIf,
                sk.mark,
                sk.tos,
                Route.scopeOf(sk),
                sk.protocol,
                Route.flowFlags(sk),
                daddr,
                sk.saddr,
                sk.dport,
                sk.sport);
        Rtable rt = Route.ipRouteOutputFlow(cpu, sk.net, fl4, sk);
        if (rt != null) {
            Route.skSetupCaps(sk, rt);
        }
        return rt;
    }
}
