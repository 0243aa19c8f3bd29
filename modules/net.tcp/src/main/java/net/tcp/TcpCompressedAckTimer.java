package net.tcp;

import net.core.Cpu;
import net.core.time.HrTimer;

/**
 * Sends the ACK that compression has held back, at its time.
 *
 * <p><b>Context:</b> softirq, no lock on entry.
 *
 * <p>Linux: tcp_compressed_ack_kick(), net/ipv4/tcp_timer.c.
 */
final class TcpCompressedAckTimer extends HrTimer {
    private final TcpSock tp;

    TcpCompressedAckTimer(TcpSock tp) {
        this.tp = tp;
    }

    @Override
    protected void expire(Cpu cpu, long nowNs) {
        tp.bhLockSock(cpu);
        try {
            if (tp.ownedByUser()) {
                TcpTsq.set(tp, TcpConst.TCPF_DELACK_TIMER_DEFERRED);
                tp.deferWork();
            } else if (tp.compressedAck != 0) {
                tp.compressedAck--; // this one goes out
                TcpOutput.tcpSendAck(cpu, tp);
            }
        } finally {
            tp.bhUnlockSock(cpu);
        }
    }
}
