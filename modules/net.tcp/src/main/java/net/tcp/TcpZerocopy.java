package net.tcp;

import net.core.Cpu;
import net.core.sock.SockErrQueue;
import net.core.sock.SockExtendedErr;
import net.skbuff.SkBuff;
import net.skbuff.SkbDropReason;

/**
 * MSG_ZEROCOPY: the send may take the program's memory as it is, and says on the error queue when the memory is the
 * program's again.
 *
 * <p>{@code Deviation:} the bytes are copied, and the completion says so at once ({@code SO_EE_CODE_ZEROCOPY_COPIED}), as
 * Linux does over a device that cannot gather: nothing here can keep a program from closing the arena that its bytes lie
 * in. sendfile and splice, whose pages are the stack's own, do not copy.
 *
 * <p><b>Context:</b> process, socket owned.
 *
 * <p>Linux: msg_zerocopy_realloc(), __msg_zerocopy_callback(), net/core/skbuff.c
 */
final class TcpZerocopy {
    private TcpZerocopy() {}

    /** One send is complete: its number, counted from 0, goes on the error queue. */
    static void completed(TcpSock tp) {
        int id = tp.zckey++;
        Cpu cpu = tp.localBhDisable();
        try {
            SkBuff skb = cpu.allocSkb(0);
            if (skb == null) {
                return;
            }
            SockExtendedErr reason = new SockExtendedErr(); // allocates: one a call that asked for it
            reason.origin = SockExtendedErr.SO_EE_ORIGIN_ZEROCOPY;
            reason.code = SockExtendedErr.SO_EE_CODE_ZEROCOPY_COPIED;
            reason.info = id;
            reason.data = id;
            if (SockErrQueue.queue(cpu, tp, skb, reason) != 0) {
                skb.kfree(cpu, SkbDropReason.SOCKET_RCVBUFF);
            }
        } finally {
            cpu.localBhEnable();
        }
    }
}
