package net.tcp.cong;

import net.core.Cpu;
import net.skbuff.HotPath;
import net.tcp.CongParam;
import net.tcp.TcpCcInfo;
import net.tcp.TcpConst;
import net.tcp.TcpOutput;
import net.tcp.TcpSeq;
import net.tcp.TcpSock;

/**
 * DCTCP: reduces the window in proportion to the share of marked segments, {@code alpha / 2}, instead of by half at the
 * first mark. The receiver echoes each change of the mark at once. Once per round
 * {@code alpha = (1 - g) alpha + g F}, {@code g = 1 / 2^dctcp_shift_g}.
 *
 * <p>A loss halves the window. Without ECN at the peer it is Reno, under the name dctcp-reno.
 *
 * <p><b>Context:</b> socket lock.
 *
 * <p>RFC 8257. Linux: net/ipv4/tcp_dctcp.c.
 */
@HotPath
public final class Dctcp extends RenoBased {
    static final int MAX_ALPHA = 1024;

    private final CongParam shiftG = param("dctcp_shift_g", 4, 0, 10);
    private final CongParam alphaOnInit = param("dctcp_alpha_on_init", MAX_ALPHA, 0, Integer.MAX_VALUE);
    private final NoEcn noEcn = new NoEcn();

    /** What is in force when the peer has no ECN. Linux: dctcp_reno. */
    private static final class NoEcn extends RenoBased {
        @Override
        public String name() {
            return "dctcp-reno";
        }

        @Override
        public void congAvoid(Cpu cpu, TcpSock tp, int ack, int acked) {
            Reno.avoid(tp, acked);
        }

        @Override
        public TcpCcInfo ccInfo(TcpSock tp) {
            return new TcpCcInfo.Dctcp(0, 0, 0, 0, 0); // allocates: diagnostics
        }
    }

    /** State of one connection. Linux: struct dctcp. */
    static final class State {
        int oldDelivered;
        int oldDeliveredCe;
        /** Receiver: next byte expected before the segment under way. */
        int priorRcvNxt;
        /** Share of marked segments, in 1/1024. */
        int alpha;
        /** End of the round under way. */
        int nextSeq;
        /** Receiver: the last data segment had a mark. */
        boolean ceState;
        /** Window at the last reduction. */
        int lossCwnd;

        void nextRound(TcpSock tp) {
            nextSeq = tp.sndNxt;
            oldDelivered = tp.delivered;
            oldDeliveredCe = tp.deliveredCe;
        }
    }

    /** For {@link java.util.ServiceLoader}. */
    public Dctcp() {}

    @Override
    public String name() {
        return "dctcp";
    }

    @Override
    public int flags() {
        return TCP_CONG_NEEDS_ECN;
    }

    @Override
    public Object newState() {
        return new State();
    }

    @Override
    public void init(Cpu cpu, TcpSock tp) {
        if ((tp.ecnFlags & TcpConst.TCP_ECN_OK) == 0) {
            net.tcp.TcpCong.fallBack(tp, noEcn);
            return;
        }
        State ca = (State) ca(tp);
        ca.priorRcvNxt = tp.rcvNxt;
        ca.alpha = Math.min(alphaOnInit.value, MAX_ALPHA);
        ca.lossCwnd = 0;
        ca.ceState = false;
        ca.nextRound(tp);
    }

    @Override
    public void congAvoid(Cpu cpu, TcpSock tp, int ack, int acked) {
        Reno.avoid(tp, acked);
    }

    @Override
    public int ssthresh(Cpu cpu, TcpSock tp) {
        State ca = (State) ca(tp);
        ca.lossCwnd = tp.sndCwnd;
        return Math.max(tp.sndCwnd - (int) ((long) tp.sndCwnd * ca.alpha >> 11), 2);
    }

    /** The next alpha after a round with {@code ce} marks among {@code delivered}. RFC 8257 3.3. */
    static int nextAlpha(int alpha, int ce, int delivered, int shiftG) {
        int less = alpha >> shiftG;
        int next = alpha - (less == 0 ? alpha : less);
        return ce == 0 ? next : (int) Math.min(next + (u(ce) << 10 - shiftG) / Math.max(1, u(delivered)), MAX_ALPHA);
    }

    @Override
    public void inAckEvent(Cpu cpu, TcpSock tp, int flags) {
        State ca = (State) ca(tp);
        if (!TcpSeq.before(tp.sndUna, ca.nextSeq)) {
            int ce = tp.deliveredCe - ca.oldDeliveredCe;
            ca.alpha = nextAlpha(ca.alpha, ce, tp.delivered - ca.oldDelivered, shiftG.value);
            ca.nextRound(tp);
        }
    }

    private static void reactToLoss(TcpSock tp) {
        ((State) ca(tp)).lossCwnd = tp.sndCwnd;
        tp.sndSsthresh = Math.max(tp.sndCwnd >> 1, 2);
    }

    @Override
    public void setState(Cpu cpu, TcpSock tp, int newState) {
        // A time-out reacts in cwndEvent, so that one round trip has one reaction.
        if (newState == TcpConst.TCP_CA_RECOVERY && newState != tp.icskCaState) {
            reactToLoss(tp);
        }
    }

    @Override
    public void cwndEvent(Cpu cpu, TcpSock tp, int event) {
        switch (event) {
            case TcpConst.CA_EVENT_ECN_IS_CE -> echo(cpu, tp, true);
            case TcpConst.CA_EVENT_ECN_NO_CE -> echo(cpu, tp, false);
            case TcpConst.CA_EVENT_LOSS -> reactToLoss(tp);
            default -> {}
        }
    }

    /** The receiver's side: each ACK covers segments of one kind. RFC 8257 3.2; Linux: dctcp_ece_ack_update(). */
    private static void echo(Cpu cpu, TcpSock tp, boolean ce) {
        State ca = (State) ca(tp);
        if (ca.ceState != ce) {
            if ((tp.icskAckPending & TcpConst.ICSK_ACK_TIMER) != 0) {
                demandCwr(tp, ca.ceState); // the delayed ACK goes first, and tells of the past
                TcpOutput.tcpSendAck(cpu, tp, ca.priorRcvNxt, 0);
            }
            tp.icskAckPending |= TcpConst.ICSK_ACK_NOW;
        }
        ca.priorRcvNxt = tp.rcvNxt;
        ca.ceState = ce;
        demandCwr(tp, ce);
    }

    private static void demandCwr(TcpSock tp, boolean on) {
        tp.ecnFlags = on ? tp.ecnFlags | TcpConst.TCP_ECN_DEMAND_CWR : tp.ecnFlags & ~TcpConst.TCP_ECN_DEMAND_CWR;
    }

    @Override
    public int undoCwnd(TcpSock tp) {
        return Math.max(tp.sndCwnd, ((State) ca(tp)).lossCwnd);
    }

    @Override
    public TcpCcInfo ccInfo(TcpSock tp) {
        State ca = (State) ca(tp);
        return new TcpCcInfo.Dctcp( // allocates: diagnostics
                1,
                ca.ceState ? 1 : 0,
                ca.alpha,
                tp.mssCache * (tp.deliveredCe - ca.oldDeliveredCe),
                tp.mssCache * (tp.delivered - ca.oldDelivered));
    }
}
