package softnet.tools.applet;

import net.core.sock.OptVal;
import net.core.sock.SockConst;
import net.core.sock.Syscalls;

/** What a program learns of its connection from TCP_INFO. */
final class TcpFacts {
    private static final int TCP_INFO = 11;
    /** Offset of tcpi_total_retrans in struct tcp_info. */
    private static final int TOTAL_RETRANS = 100;

    private TcpFacts() {}

    /** Segments retransmitted so far; 0 if the connection is gone. */
    static long retransmits(Syscalls calls, int fd) {
        OptVal info = new OptVal(232);
        if (calls.getsockopt(fd, SockConst.SOL_TCP, TCP_INFO, info) < 0 || info.len < TOTAL_RETRANS + 4) {
            return 0;
        }
        return info.getInt(TOTAL_RETRANS) & 0xffffffffL;
    }
}
