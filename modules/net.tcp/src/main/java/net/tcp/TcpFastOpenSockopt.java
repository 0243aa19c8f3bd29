package net.tcp;

import net.core.sock.OptVal;
import net.core.sock.SockSysctl;
import net.core.sock.TcpStates;
import net.skbuff.Errno;
import org.jspecify.annotations.Nullable;

/**
 * The socket options of fast open: TCP_FASTOPEN, TCP_FASTOPEN_CONNECT, TCP_FASTOPEN_NO_COOKIE, TCP_FASTOPEN_KEY.
 *
 * <p><b>Context:</b> process; {@link #set} with the socket owned.
 *
 * <p>Linux: do_tcp_setsockopt(), do_tcp_getsockopt(), net/ipv4/tcp.c
 */
final class TcpFastOpenSockopt {
    private TcpFastOpenSockopt() {}

    static int set(TcpSock tp, int optname, int val) {
        boolean fresh = tp.inStates(TcpConst.TCPF_CLOSE | TcpConst.TCPF_LISTEN);
        switch (optname) {
            case TcpConst.TCP_FASTOPEN -> {
                if (val < 0 || !fresh) {
                    return -Errno.EINVAL;
                }
                tp.tcpNet.fastopenKeyOnce();
                TcpFastOpen.queueOf(tp).maxQlen =
                        Math.min(val, SockSysctl.of(tp.net).somaxconn());
            }
            case TcpConst.TCP_FASTOPEN_CONNECT -> {
                if (val < 0 || val > 1) {
                    return -Errno.EINVAL;
                }
                if ((tp.sysctl.tcpFastopen & TcpConst.TFO_CLIENT_ENABLE) == 0) {
                    return -Errno.EOPNOTSUPP;
                }
                if (tp.state != TcpStates.TCP_CLOSE) {
                    return -Errno.EINVAL;
                }
                tp.fastopenConnect = val != 0;
            }
            default -> { // TCP_FASTOPEN_NO_COOKIE
                if (val < 0 || val > 1 || !fresh) {
                    return -Errno.EINVAL;
                }
                tp.fastopenNoCookie = val != 0;
            }
        }
        return 0;
    }

    static int get(TcpSock tp, int optname) {
        return switch (optname) {
            case TcpConst.TCP_FASTOPEN -> tp.icskAcceptQueue == null ? 0 : tp.icskAcceptQueue.fastopenq.maxQlen;
            case TcpConst.TCP_FASTOPEN_CONNECT -> tp.fastopenConnect ? 1 : 0;
            default -> tp.fastopenNoCookie ? 1 : 0;
        };
    }

    /** One key or two for this listener alone. Linux: tcp_fastopen_reset_cipher(). */
    static int setKey(TcpSock tp, OptVal value) {
        if (value.len != TcpFastOpenContext.KEY_LENGTH && value.len != TcpFastOpenContext.KEY_BUF_LENGTH) {
            return -Errno.EINVAL;
        }
        TcpFastOpenContext ctx = new TcpFastOpenContext(java.util.Arrays.copyOf(value.data, value.len));
        tp.lockSock();
        TcpFastOpen.queueOf(tp).ctx = ctx;
        tp.releaseSock();
        return 0;
    }

    /** The keys in force, as far as there is room. Linux: tcp_fastopen_get_cipher(). */
    static int getKey(TcpSock tp, OptVal out) {
        @Nullable TcpFastOpenContext ctx = TcpFastOpen.context(tp);
        byte[] keys = ctx == null ? new byte[0] : ctx.bytes();
        int n = Math.min(keys.length, out.len);
        System.arraycopy(keys, 0, out.data, 0, n);
        out.len = n;
        return 0;
    }
}
