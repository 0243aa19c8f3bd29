package net.core.sock;

import static net.core.sock.LoopFamily.ok;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Objects;
import net.core.Cpu;
import net.core.dev.Dev;
import net.core.dev.EthHdr;
import net.core.dev.NetDevice;
import net.core.dev.PacketType;
import net.core.sock.LoopFamily.Host;
import net.core.sock.LoopFamily.LoopSock;
import net.skbuff.Errno;
import net.skbuff.SkBuff;
import net.skbuff.SkbSharedInfo;
import net.skbuff.UserBytes;
import org.junit.jupiter.api.Test;

/** Receive stamps, transmit stamps and the error queue. */
class SockTimestampTest {
    private static final int ETH_P_TEST = 0x88b5;

    /** Sends a frame over the loopback device; what arrives keeps its stamp in {@code seen[0]}. */
    private static void overLoopback(Host host, LoopSock owner, int txFlags, long[] seen) {
        PacketType pt = new PacketType(ETH_P_TEST, null) {
            @Override
            public int func(Cpu cpu, SkBuff skb, NetDevice dev, NetDevice origDev) {
                seen[0] = skb.tstampNs;
                skb.consume(cpu);
                return 0;
            }
        };
        Dev.addPack(host.kernel, pt);
        NetDevice lo = host.kernel.initNet().devices.loopback();
        if (!lo.isUp()) {
            lo.open();
        }
        Cpu cpu = host.kernel.localBhDisable(0);
        SkBuff skb = Objects.requireNonNull(cpu.allocSkb(128));
        skb.reserve(32);
        skb.put(60);
        skb.dev = lo;
        skb.protocol = ETH_P_TEST;
        EthHdr.OPS.create(cpu, skb, lo, ETH_P_TEST, null, null, skb.len);
        skb.shinfo().txFlags = txFlags;
        owner.setOwnerW(skb);
        Dev.devQueueXmit(cpu, skb);
        cpu.localBhEnable();
        host.sleep(1_000_000);
        Dev.removePack(host.kernel, pt);
    }

    private static LoopSock sock(Host host) {
        return host.sk(ok(host.sys.socket(SockConst.AF_INET, SockConst.SOCK_STREAM, 0)));
    }

    @Test
    void shouldStampReceivedPacketsWhileAnybodyWantsIt() {
        try (Host host = Host.virtual(1, 1)) {
            long[] seen = new long[1];
            LoopSock sk = sock(host);
            overLoopback(host, sk, 0, seen);
            assertThat(seen[0]).as("nobody asked").isZero();
            int fd = ok(host.sys.socket(SockConst.AF_INET, SockConst.SOCK_STREAM, 0));
            ok(host.sys.setsockopt(fd, SockConst.SOL_SOCKET, SockConst.SO_TIMESTAMPNS, 1));
            overLoopback(host, sk, 0, seen);
            assertThat(seen[0]).isBetween(1L, host.kernel.clock().realTimeNs());
            ok(host.sys.close(fd));
            seen[0] = 0;
            overLoopback(host, sk, 0, seen);
            assertThat(seen[0]).as("the last one who asked is gone").isZero();
        }
    }

    @Test
    void shouldReportTransmitStampsOnTheErrorQueue() {
        try (Host host = Host.virtual(1, 1)) {
            LoopSock sk = sock(host);
            int flags = SockConst.SOF_TIMESTAMPING_TX_SOFTWARE
                    | SockConst.SOF_TIMESTAMPING_TX_SCHED
                    | SockConst.SOF_TIMESTAMPING_SOFTWARE
                    | SockConst.SOF_TIMESTAMPING_OPT_TSONLY;
            sk.tsflags = flags;
            int tx = SockTimestamp.txFlags(flags);
            assertThat(tx).isEqualTo(SkbSharedInfo.SKBTX_SW_TSTAMP | SkbSharedInfo.SKBTX_SCHED_TSTAMP);
            overLoopback(host, sk, tx, new long[1]);
            assertThat(SockErrQueue.isEmpty(sk)).isFalse();
            int[] points = {SockTimestamp.SCM_TSTAMP_SCHED, SockTimestamp.SCM_TSTAMP_SND};
            for (int point : points) {
                Msghdr msg = new Msghdr().reset(new UserBytes(new byte[10]), null, 0);
                msg.wantControl = true;
                assertThat(SockErrQueue.recvErrqueue(sk, msg, 10, SockConst.SOL_IP, 11))
                        .isZero();
                Cmsg reason = Objects.requireNonNull(msg.cmsg(SockConst.SOL_IP, 11));
                SockExtendedErr err = (SockExtendedErr) Objects.requireNonNull(reason.object);
                assertThat(err.errno).isEqualTo(Errno.ENOMSG);
                assertThat(err.origin).isEqualTo(SockExtendedErr.SO_EE_ORIGIN_TIMESTAMPING);
                assertThat(err.info).isEqualTo(point);
                Cmsg stamp = Objects.requireNonNull(msg.cmsg(SockConst.SOL_SOCKET, SockConst.SO_TIMESTAMPING));
                assertThat(stamp.value).isPositive();
                assertThat(msg.flags & SockConst.MSG_ERRQUEUE).isNotZero();
            }
            Msghdr none = new Msghdr().reset(new UserBytes(new byte[10]), null, 0);
            assertThat(SockErrQueue.recvErrqueue(sk, none, 10, SockConst.SOL_IP, 11))
                    .isEqualTo(-Errno.EAGAIN);
            assertThat(sk.rmemAlloc()).isZero();
        }
    }

    @Test
    void shouldQueueDatagramsUpToTheReceiveBuffer() {
        try (Host host = Host.virtual(1, 1)) {
            LoopSock sk = sock(host);
            sk.rcvbuf = 5_000;
            Cpu cpu = host.kernel.localBhDisable(0);
            int queued = 0;
            for (int i = 0; i < 100; i++) {
                SkBuff skb = Objects.requireNonNull(cpu.allocSkb(64));
                skb.put(1 + i % 3);
                if (SockQueue.sockQueueRcvSkb(cpu, sk, skb) == 0) {
                    queued++;
                } else {
                    skb.consume(cpu);
                }
            }
            cpu.localBhEnable();
            assertThat(queued).isBetween(2, 20);
            assertThat(sk.drops()).isEqualTo(100 - queued);
            Msghdr msg = new Msghdr();
            SkBuff peeked = Objects.requireNonNull(SockQueue.recvDatagram(sk, SockConst.MSG_PEEK, msg));
            SkBuff first = Objects.requireNonNull(SockQueue.recvDatagram(sk, 0, msg));
            assertThat(peeked).isSameAs(first);
            SockQueue.freeDatagram(sk, peeked);
            assertThat(first.len).as("the other reference holds it").isEqualTo(1);
            SockQueue.freeDatagram(sk, first);
            for (int i = 1; i < queued; i++) {
                SockQueue.freeDatagram(sk, Objects.requireNonNull(SockQueue.recvDatagram(sk, 0, msg)));
            }
            assertThat(SockQueue.recvDatagram(sk, SockConst.MSG_DONTWAIT, msg)).isNull();
            assertThat(msg.err).isEqualTo(-Errno.EAGAIN);
            assertThat(sk.rmemAlloc()).isZero();
            assertThat(host.family.memory.allocatedPages()).isZero();
        }
    }
}
