package net.tcp;

import net.core.Cpu;
import net.skbuff.HotPath;

/**
 * What kept a connection from sending: the three stop watches of TCP_INFO, of which one runs at a time.
 *
 * <p>A higher {@code TCP_CHRONO_*} wins over a lower one.
 *
 * <p><b>Context:</b> socket lock.
 *
 * <p>Linux: tcp_chrono_start(), net/ipv4/tcp_output.c
 */
public final class TcpChrono {
    private TcpChrono() {}

    /** A reason begins to hold. */
    @HotPath
    public static void start(Cpu cpu, TcpSock tp, int type) {
        if (type > tp.chronoType) {
            set(cpu, tp, type);
        }
    }

    /** A reason ends; without data nothing is measured, else "busy". */
    @HotPath
    public static void stop(Cpu cpu, TcpSock tp, int type) {
        if (tp.rtxAndWriteQueuesEmpty()) {
            set(cpu, tp, TcpConst.TCP_CHRONO_UNSPEC);
        } else if (type == tp.chronoType) {
            set(cpu, tp, TcpConst.TCP_CHRONO_BUSY);
        }
    }

    private static void set(Cpu cpu, TcpSock tp, int type) {
        int now = (int) cpu.jiffies();
        int spent = now - tp.chronoStart;
        switch (tp.chronoType) {
            case TcpConst.TCP_CHRONO_BUSY -> tp.chronoStatBusy += spent;
            case TcpConst.TCP_CHRONO_RWND_LIMITED -> tp.chronoStatRwndLimited += spent;
            case TcpConst.TCP_CHRONO_SNDBUF_LIMITED -> tp.chronoStatSndbufLimited += spent;
            default -> {}
        }
        tp.chronoStart = now;
        tp.chronoType = type;
    }
}
