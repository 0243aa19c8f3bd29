package net.tcp.cong;

import net.skbuff.HotPath;
import net.tcp.TcpSeq;
import net.tcp.TcpSock;

/**
 * HyStart++: when the round trip rises in the initial slow start, it goes on for five rounds at a quarter of the pace
 * ("conservative slow start") instead of ending it. If the round trip falls again meanwhile, the rise was noise, and slow
 * start is resumed; else congestion avoidance begins.
 *
 * <p>For {@link Cubic}, which asks it instead of HyStart; off by default, since Linux has none. Times in microseconds.
 *
 * <p><b>Context:</b> socket lock.
 *
 * <p>RFC 9406.
 */
@HotPath
final class HystartPlus {
    static final int MIN_RTT_THRESH_US = 4000;
    static final int MAX_RTT_THRESH_US = 16_000;
    static final int MIN_RTT_DIVISOR = 8;
    static final int N_RTT_SAMPLE = 8;
    static final int CSS_GROWTH_DIVISOR = 4;
    static final int CSS_ROUNDS = 5;
    /** Segments that one ACK may add without pacing. */
    static final int L = 8;

    /** No round trip yet: larger than any. */
    private static final int NONE = Integer.MAX_VALUE;

    private int windowEnd;
    private int lastRoundMinRtt;
    private int currentRoundMinRtt;
    private int rttSampleCount;
    private boolean css;
    private int cssBaselineMinRtt;
    /** Rounds of conservative slow start that are over. */
    private int cssRounds;
    /** Segments acknowledged in it that did not make a whole step yet. */
    private int credit;

    void init(TcpSock tp) {
        windowEnd = tp.sndNxt;
        lastRoundMinRtt = NONE;
        currentRoundMinRtt = NONE;
        rttSampleCount = 0;
        css = false;
        cssBaselineMinRtt = NONE;
        cssRounds = 0;
        credit = 0;
    }

    /** Is it in conservative slow start? */
    boolean conservative() {
        return css;
    }

    /**
     * Takes a round trip in.
     *
     * @return true if slow start is over
     */
    boolean sample(TcpSock tp, int rttUs) {
        if (TcpSeq.after(tp.sndUna, windowEnd)) {
            windowEnd = tp.sndNxt;
            lastRoundMinRtt = currentRoundMinRtt;
            currentRoundMinRtt = NONE;
            rttSampleCount = 0;
            if (css && ++cssRounds >= CSS_ROUNDS) {
                return true;
            }
        }
        currentRoundMinRtt = Math.min(currentRoundMinRtt, rttUs);
        rttSampleCount++;
        if (rttSampleCount < N_RTT_SAMPLE) {
            return false;
        }
        if (css) {
            if (currentRoundMinRtt < cssBaselineMinRtt) { // the rise was noise
                css = false;
                cssBaselineMinRtt = NONE;
            }
        } else if (lastRoundMinRtt != NONE) {
            int thresh = Math.clamp(lastRoundMinRtt / MIN_RTT_DIVISOR, MIN_RTT_THRESH_US, MAX_RTT_THRESH_US);
            if (currentRoundMinRtt >= lastRoundMinRtt + thresh) {
                css = true;
                cssBaselineMinRtt = currentRoundMinRtt;
                cssRounds = 0;
                credit = 0;
            }
        }
        return false;
    }

    /** Segments that count towards growth out of {@code acked}. */
    int growth(int acked, boolean paced) {
        int n = paced ? acked : Math.min(acked, L);
        if (!css) {
            return n;
        }
        credit += n;
        int steps = credit / CSS_GROWTH_DIVISOR;
        credit -= steps * CSS_GROWTH_DIVISOR;
        return steps;
    }
}
