package net.sched.cake;

import java.util.Arrays;
import java.util.List;

/**
 * What cake can be told in one word: how flows are told apart, and how packets are sorted into tins.
 *
 * <p>Linux: CAKE_FLOW_*, CAKE_DIFFSERV_*, and the tables of net/sched/sch_cake.c
 */
final class CakeMode {
    static final int FLOW_NONE = 0;
    static final int SRC_IP = 1;
    static final int DST_IP = 2;
    static final int HOSTS = 3;
    static final int FLOWS = 4;
    static final int DUAL_SRC = SRC_IP | FLOWS;
    static final int DUAL_DST = DST_IP | FLOWS;
    static final int TRIPLE = DUAL_SRC | DUAL_DST;

    static final List<String> FLOW_NAMES = List.of(
            "flowblind", "srchost", "dsthost", "hosts", "flows", "dual-srchost", "dual-dsthost", "triple-isolate");

    static final int DIFFSERV3 = 0;
    static final int DIFFSERV4 = 1;
    static final int DIFFSERV8 = 2;
    static final int BESTEFFORT = 3;
    static final int PRECEDENCE = 4;

    static final List<String> DIFFSERV_NAMES =
            List.of("diffserv3", "diffserv4", "diffserv8", "besteffort", "precedence");

    private static final int LE = 1;
    private static final int TOS_DELAY = 4;
    private static final int CS1 = 8;
    private static final int VA = 44;
    private static final int EF = 46;

    private CakeMode() {}

    private static void put(byte[] map, int tin, int... dscps) {
        for (int d : dscps) {
            map[d] = (byte) tin;
        }
    }

    /** The tin of each DSCP. */
    static byte[] map(int mode) {
        byte[] m = new byte[64];
        switch (mode) {
            case DIFFSERV3 -> {
                put(m, 1, LE, CS1);
                put(m, 2, TOS_DELAY, VA, EF, 48, 56);
            }
            case DIFFSERV4 -> {
                put(m, 1, LE, CS1);
                put(m, 2, TOS_DELAY, 16, 18, 20, 22, 24, 26, 28, 30, 34, 36, 38);
                put(m, 3, 32, 40, VA, EF, 48, 56);
            }
            case DIFFSERV8 -> {
                Arrays.fill(m, (byte) 2);
                put(m, 0, LE);
                put(m, 1, 2, CS1, 10, 12, 14);
                put(m, 3, 24, 26, 28, 30, 34, 36, 38);
                put(m, 4, TOS_DELAY, 18, 20, 22);
                put(m, 5, 16);
                put(m, 6, 32, 40, VA, EF);
                put(m, 7, 48, 56);
            }
            case PRECEDENCE -> {
                for (int d = 0; d < 64; d++) {
                    m[d] = (byte) (d >> 3);
                }
            }
            default -> {
                // besteffort: one for all
            }
        }
        return m;
    }

    static int tins(int mode) {
        return switch (mode) {
            case DIFFSERV3 -> 3;
            case DIFFSERV4 -> 4;
            case BESTEFFORT -> 1;
            default -> 8;
        };
    }

    /** Tins from the least to the most urgent. */
    static int[] order(int mode) {
        return switch (mode) {
            case DIFFSERV3 -> new int[] {1, 0, 2};
            case DIFFSERV4 -> new int[] {1, 0, 2, 3};
            case BESTEFFORT -> new int[] {0};
            default -> new int[] {0, 1, 2, 3, 4, 5, 6, 7};
        };
    }

    /** Their names as tc prints them, in that order. */
    static List<String> tinNames(int mode) {
        return switch (mode) {
            case DIFFSERV3 -> List.of("Bulk", "Best Effort", "Voice");
            case DIFFSERV4 -> List.of("Bulk", "Best Effort", "Video", "Voice");
            case BESTEFFORT -> List.of("Tin 0");
            default -> List.of("Tin 0", "Tin 1", "Tin 2", "Tin 3", "Tin 4", "Tin 5", "Tin 6", "Tin 7");
        };
    }
}
