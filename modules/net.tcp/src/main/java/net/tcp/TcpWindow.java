package net.tcp;

import static net.tcp.TcpConst.ICSK_ACK_NOMEM;
import static net.tcp.TcpConst.MAX_TCP_WINDOW;
import static net.tcp.TcpConst.TCP_MAX_WSCALE;

import net.core.Cpu;
import net.core.sock.SockMem;
import net.core.sock.SockSysctl;
import net.skbuff.HotPath;

/**
 * Which receive window a segment offers.
 *
 * <p>Competing goals: never take back what was offered (RFC 9293 3.8.6), never offer silly small amounts (RFC 1122
 * 4.2.3.3), keep the memory that the payload really takes within the receive buffer, and grow only as the peer proves
 * that its segments are worth their memory ({@link TcpSock#rcvSsthresh}).
 *
 * <p><b>Context:</b> socket lock.
 *
 * <p>Linux: net/ipv4/tcp_output.c
 */
public final class TcpWindow {
    private static final int U16_MAX = 0xffff;

    private TcpWindow() {}

    /** Free room of the receive buffer, in bytes of payload. Linux: tcp_space(). */
    @HotPath
    public static int space(TcpSock tp) {
        return tp.winFromSpace(tp.rcvbuf - tp.backlogLen - tp.rmemAlloc());
    }

    /** The whole receive buffer, in bytes of payload. Linux: tcp_full_space(). */
    @HotPath
    public static int fullSpace(TcpSock tp) {
        return tp.winFromSpace(tp.rcvbuf);
    }

    /**
     * The window field of the next segment, scaled down; remembers what it offers.
     *
     * <p>Linux: tcp_select_window(), net/ipv4/tcp_output.c
     */
    @HotPath
    public static int tcpSelectWindow(Cpu cpu, TcpSock tp) {
        int old = tp.rcvWnd;
        if ((tp.icskAckPending & ICSK_ACK_NOMEM) != 0) {
            tp.predFlags = 0;
            tp.rcvWnd = 0;
            tp.rcvWup = tp.rcvNxt;
            return 0;
        }
        int current = tp.receiveWindow();
        int wanted = chooseWindow(tp);
        int scale = tp.rxOpt.rcvWscale;
        if (wanted < current && (tp.sysctl.tcpShrinkWindow == 0 || scale == 0)) {
            if (wanted == 0) {
                tp.tcpNet.inc(cpu, LinuxMib.TCPWANTZEROWINDOWADV);
            }
            wanted = align(current, 1 << scale);
        }
        tp.rcvWnd = wanted;
        tp.rcvWup = tp.rcvNxt;
        if (scale == 0 && tp.sysctl.tcpWorkaroundSignedWindows != 0) {
            wanted = Math.min(wanted, MAX_TCP_WINDOW);
        } else {
            wanted = Math.min(wanted, U16_MAX << scale);
        }
        wanted >>= scale;
        if (wanted == 0) {
            tp.predFlags = 0;
            if (old != 0) {
                tp.tcpNet.inc(cpu, LinuxMib.TCPTOZEROWINDOWADV);
            }
        } else if (old == 0) {
            tp.tcpNet.inc(cpu, LinuxMib.TCPFROMZEROWINDOWADV);
        }
        return wanted;
    }

    /**
     * The window that the free memory suggests, in bytes, whatever was offered before.
     *
     * <p>Linux: __tcp_select_window(), net/ipv4/tcp_output.c
     */
    @HotPath
    public static int chooseWindow(TcpSock tp) {
        int mss = tp.icskAckRcvMss;
        int free = space(tp);
        int allowed = fullSpace(tp);
        int full = Math.min(tp.windowClamp, allowed);
        if (mss > full) {
            mss = full;
            if (mss <= 0) {
                return 0;
            }
        }
        int scale = tp.rxOpt.rcvWscale;
        boolean mayShrink = tp.sysctl.tcpShrinkWindow != 0 && scale != 0;
        if (mayShrink) {
            free = roundDown(free, 1 << scale);
        }
        if (free < full >> 1) {
            tp.icskAckQuick = 0;
            if (Tcp.underMemoryPressure(tp)) {
                adjustRcvSsthresh(tp);
            }
            free = roundDown(free, 1 << scale); // or rounding up below would enlarge it
            if (free < allowed >> 4 || free < mss || mayShrink && free < 1 << scale) {
                return 0;
            }
        }
        if (free > tp.rcvSsthresh) {
            free = tp.rcvSsthresh;
            if (mayShrink) {
                free = align(free, 1 << scale);
            }
        }
        if (mayShrink) {
            return free;
        }
        if (scale != 0) {
            return align(free, 1 << scale);
        }
        int window = tp.rcvWnd;
        if (window <= free - mss || window > free) {
            window = free - free % mss;
        } else if (mss == full && free > window + (full >> 1)) {
            window = free;
        }
        return window;
    }

    /** Bounds the largest window to offer; what was offered stays. {@code val}: bytes, not 0. Linux: tcp_set_window_clamp(). */
    static void setWindowClamp(TcpSock tp, int val) {
        int old = tp.windowClamp;
        int clamp = Math.max(SockMem.SOCK_MIN_RCVBUF / 2, val);
        tp.windowClamp = clamp;
        if (clamp < old) {
            adjustRcvSsthresh(tp, clamp);
        } else if (clamp > old) {
            tp.rcvSsthresh = Math.max(Math.min(tp.rcvWnd, clamp), tp.rcvSsthresh);
        }
    }

    /** Memory is short: stop the window from growing. Linux: tcp_adjust_rcv_ssthresh(). */
    public static void adjustRcvSsthresh(TcpSock tp) {
        adjustRcvSsthresh(tp, 4 * tp.advmss);
    }

    /** Linux: __tcp_adjust_rcv_ssthresh(). */
    private static void adjustRcvSsthresh(TcpSock tp, int bytes) {
        int unused = tp.unusedReservedMem();
        tp.rcvSsthresh = Math.min(tp.rcvSsthresh, bytes);
        if (unused != 0) {
            tp.rcvSsthresh = Math.max(tp.rcvSsthresh, tp.winFromSpace(unused));
        }
    }

    /**
     * Window, clamp and shift for a handshake; results go to {@code out}.
     *
     * @param space bytes of payload the buffer takes
     * @param initSegments the route's initial window, segments; 0 for none
     * <p>Linux: tcp_select_initial_window(), net/ipv4/tcp_output.c
     */
    static void selectInitialWindow(
            TcpPcpu out, TcpNet net, int space, int mss, int windowClamp, boolean wscaleOk, int initSegments) {
        int clamp = windowClamp == 0 ? U16_MAX << TCP_MAX_WSCALE : windowClamp;
        int room = Math.min(clamp, Math.max(0, space));
        if (room > mss) {
            room -= room % mss;
        }
        int window = net.sysctl.tcpWorkaroundSignedWindows != 0 ? Math.min(room, MAX_TCP_WINDOW) : room;
        if (initSegments != 0) {
            window = Math.min(window, initSegments * mss);
        }
        int scale = 0;
        if (wscaleOk) {
            room = Math.max(room, net.sysctl.tcpRmem[2]);
            room = Math.max(room, SockSysctl.of(net.net).rmemMax());
            room = Math.min(room, clamp);
            scale = Math.clamp(31 - Integer.numberOfLeadingZeros(room) - 15, 0, TCP_MAX_WSCALE);
        }
        out.initRcvWnd = window;
        out.initRcvWscale = scale;
        out.initWindowClamp = Math.min(U16_MAX << scale, clamp);
    }

    static int align(int value, int unit) {
        return value + unit - 1 & -unit;
    }

    private static int roundDown(int value, int unit) {
        return value & -unit;
    }
}
