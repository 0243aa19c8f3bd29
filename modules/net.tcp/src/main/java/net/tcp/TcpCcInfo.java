package net.tcp;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * What {@code TCP_CC_INFO} tells of a congestion control's private state, as an object and as the kernel's structure.
 *
 * <p>Linux: union tcp_cc_info, include/uapi/linux/inet_diag.h.
 */
public sealed interface TcpCcInfo {
    /** The kernel's structure in native order. */
    byte[] bytes();

    /** As {@code ss -i} prints it; empty where ss prints nothing. */
    String text();

    private static ByteBuffer buffer(int bytes) {
        return ByteBuffer.allocate(bytes).order(ByteOrder.nativeOrder());
    }

    /**
     * Of those that measure round trips. Linux: struct tcpvegas_info.
     *
     * @param enabled 1: in its own mode now
     * @param rttcnt samples in this round trip
     * @param rttUs round trip, microseconds; which one the algorithm says
     * @param minRttUs smallest round trip, microseconds
     */
    record Vegas(int enabled, int rttcnt, int rttUs, int minRttUs) implements TcpCcInfo {
        @Override
        public byte[] bytes() {
            return buffer(16)
                    .putInt(enabled)
                    .putInt(rttcnt)
                    .putInt(rttUs)
                    .putInt(minRttUs)
                    .array();
        }

        @Override
        public String text() {
            return "";
        }
    }

    /**
     * Of dctcp. Linux: struct tcp_dctcp_info.
     *
     * @param enabled 0: the peer has no ECN, Reno is in force
     * @param ceState 1: the last data segment received had a mark
     * @param alpha estimated share of marked segments, in 1/1024
     * @param abEcn bytes marked in this round trip
     * @param abTot bytes acknowledged in this round trip
     */
    record Dctcp(int enabled, int ceState, int alpha, int abEcn, int abTot) implements TcpCcInfo {
        @Override
        public byte[] bytes() {
            return buffer(16)
                    .putShort((short) enabled)
                    .putShort((short) ceState)
                    .putInt(alpha)
                    .putInt(abEcn)
                    .putInt(abTot)
                    .array();
        }

        @Override
        public String text() {
            return enabled == 0
                    ? "dctcp:fallback_mode"
                    : "dctcp:(ce_state:" + ceState + ",alpha:" + alpha + ",ab_ecn:" + abEcn + ",ab_tot:" + abTot + ")";
        }
    }

    /**
     * Of bbr. Linux: struct tcp_bbr_info.
     *
     * @param bw estimated bandwidth, bytes per second
     * @param minRttUs smallest round trip of the last seconds, microseconds
     * @param pacingGain in 1/256
     * @param cwndGain in 1/256
     */
    record Bbr(long bw, int minRttUs, int pacingGain, int cwndGain) implements TcpCcInfo {
        @Override
        public byte[] bytes() {
            return buffer(20)
                    .putInt((int) bw)
                    .putInt((int) (bw >>> 32))
                    .putInt(minRttUs)
                    .putInt(pacingGain)
                    .putInt(cwndGain)
                    .array();
        }

        @Override
        public String text() {
            return "bbr:(bw:" + bw * 8 + "bps,mrtt:" + Integer.toUnsignedLong(minRttUs) / 1000.0 + ",pacing_gain:"
                    + pacingGain / 256.0 + ",cwnd_gain:" + cwndGain / 256.0 + ")";
        }
    }

    /**
     * Of bbr3: the structure of bbr with Google's additions behind it.
     *
     * @param bw what bbr tells
     * @param bwHi largest bandwidth of the last two cycles, bytes per second
     * @param bwLo bound by recent losses, bytes per second; -1: none
     * @param mode as Google's enum: 0 STARTUP, 1 DRAIN, 2 PROBE_BW, 3 PROBE_RTT
     * @param phase 1 STARTUP, 2 DRAIN, 3 PROBE_RTT, 4 UP, 5 DOWN, 6 CRUISE, 7 REFILL
     * @param inflightLo bound by recent losses, segments; -1: none
     * @param inflightHi bound by losses while probing, segments; -1: none
     * @param extraAcked aggregation seen, segments
     */
    record Bbr3(Bbr bw, long bwHi, long bwLo, int mode, int phase, int inflightLo, int inflightHi, int extraAcked)
            implements TcpCcInfo {
        @Override
        public byte[] bytes() {
            return buffer(52)
                    .put(bw.bytes())
                    .putInt((int) bwHi)
                    .putInt((int) (bwHi >>> 32))
                    .putInt((int) bwLo)
                    .putInt((int) (bwLo >>> 32))
                    .put((byte) mode)
                    .put((byte) phase)
                    .put((byte) 0)
                    .put((byte) 3)
                    .putInt(inflightLo)
                    .putInt(inflightHi)
                    .putInt(extraAcked)
                    .array();
        }

        @Override
        public String text() {
            return bw.text();
        }
    }
}
