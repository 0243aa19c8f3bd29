package net.tcp;

import net.core.Cpu;
import net.core.PerCpu;
import net.skbuff.HotPath;

/**
 * What the kernel keeps on the stack while it works on one ACK: one set per CPU, because the JIT cannot keep it on ours.
 *
 * <p>An ACK never interrupts another on the same CPU: what TCP sends while it handles one is queued by the device.
 *
 * <p><b>Context:</b> the CPU's word.
 */
final class TcpScratch {
    private static final PerCpu<TcpScratch> SLOT = new PerCpu<>();

    /** The SACK blocks' effect. */
    final TcpSacktagState sack = new TcpSacktagState();
    /** The delivery rate sample. */
    final RateSample rate = new RateSample();
    /** What congestion control hears. */
    final AckSample ackSample = new AckSample();
    /** Options of a handshake's segment. */
    final TcpOptionsReceived rxOpt = new TcpOptionsReceived();
    /** A header that is looked at again after its fields were copied to the control block. */
    final TcpHdr hdr = new TcpHdr();
    /** SACK blocks sorted, {@code {start, end}} pairs. */
    final int[] sackBlocks = new int[2 * TcpConst.TCP_NUM_SACKS];
    /** {@code TcpAck.FLAG_*} of the ACK, which several steps add to or take from. */
    int flag;
    /** What to retransmit in the end, {@code TcpAck.REXMIT_*}. */
    int rexmit;
    /** Microseconds until the oldest suspect counts as lost; 0: none. */
    int reoTimeoutUs;

    private TcpScratch() {}

    /** This CPU's set. */
    @HotPath
    static TcpScratch of(Cpu cpu) {
        TcpScratch scratch = SLOT.get(cpu);
        return scratch != null ? scratch : create(cpu);
    }

    private static TcpScratch create(Cpu cpu) {
        TcpScratch scratch = new TcpScratch(); // allocates: once per CPU
        SLOT.set(cpu, scratch);
        return scratch;
    }
}
