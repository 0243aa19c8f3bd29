package net.ipv4.inet;

import net.core.Cpu;
import net.core.Kernel;
import net.core.Net;
import net.core.sock.Msghdr;
import net.core.sock.Proto;
import net.core.sock.Sock;
import net.core.sock.SockConst;
import net.core.sock.TcpStates;
import net.skbuff.SkBuff;
import net.skbuff.SkbDropReason;

/** A connection socket that has no protocol behind it. */
final class TestSock extends InetConnectionSock {
    boolean allowTwReuse;

    TestSock(Net net, Proto prot) {
        super(net, prot, SockConst.AF_INET, SockConst.SOCK_STREAM, 6);
    }

    @Override
    protected void writeTimer(Cpu cpu) {}

    @Override
    protected void delackTimer(Cpu cpu) {}

    @Override
    protected void keepaliveTimer(Cpu cpu) {}

    @Override
    protected void disconnectChild(Cpu cpu) {}

    @Override
    protected boolean twskUnique(Cpu cpu, InetTimewaitSock tw) {
        return allowTwReuse;
    }

    @Override
    protected int backlogRcv(Cpu cpu, SkBuff skb) {
        skb.kfree(cpu, SkbDropReason.NOT_SPECIFIED);
        return 0;
    }

    /** Makes them. */
    static final class TestProto extends Proto {
        TestProto(Kernel kernel) {
            super(kernel, "TEST", null);
        }

        @Override
        public Sock alloc(Net net, int family, int type, int protocol) {
            return new TestSock(net, this);
        }

        @Override
        public void close(Sock sk, long timeoutNs) {}

        @Override
        public int sendmsg(Sock sk, Msghdr msg, int len) {
            return 0;
        }

        @Override
        public int recvmsg(Sock sk, Msghdr msg, int len, int flags) {
            return 0;
        }
    }

    /** A wait that counts what became of it. */
    static final class TestTw extends InetTimewaitSock {
        int scheduled;
        int recycled;
        int ended;

        TestTw(InetConnectionSock sk) {
            super(sk, TcpStates.TCP_TIME_WAIT);
        }

        @Override
        protected void scheduled(Cpu cpu) {
            scheduled++;
        }

        @Override
        protected void recycled(Cpu cpu) {
            recycled++;
        }

        @Override
        protected void destructor() {
            ended++;
        }
    }
}
