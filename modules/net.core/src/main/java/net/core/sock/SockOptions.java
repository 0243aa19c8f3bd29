package net.core.sock;

import net.core.dev.NetDevice;
import net.skbuff.Errno;

/**
 * Options of level SOL_SOCKET.
 *
 * <p><b>Context:</b> process; both functions take the socket lock where the option needs it.
 *
 * <p>{@code Deviation:} there are no capabilities: every program is privileged.
 *
 * <p>Linux: sk_setsockopt(), sk_getsockopt(), net/core/sock.c
 */
public final class SockOptions {
    private static final long NS_PER_SEC = 1_000_000_000L;

    /** Ints of SO_MEMINFO. Linux: SK_MEMINFO_VARS */
    private static final int SK_MEMINFO_VARS = 9;

    private SockOptions() {}

    // ---- set ----

    /** @return 0, -ENOPROTOOPT for an unknown option, -EINVAL, -EDOM, ... */
    public static int setsockopt(Socket sock, int optname, OptVal opt) {
        Sock sk = sock.sk;
        if (sk == null) {
            return -Errno.EBADF;
        }
        if (optname == SockConst.SO_BINDTODEVICE) {
            return bindToDevice(sk, opt.getString());
        }
        if (opt.len < 4) {
            return -Errno.EINVAL;
        }
        sk.lockSock();
        try {
            return setLocked(sock, sk, optname, opt);
        } finally {
            sk.releaseSock();
        }
    }

    private static int setLocked(Socket sock, Sock sk, int optname, OptVal opt) {
        int val = opt.getInt();
        boolean on = val != 0;
        switch (optname) {
            case SockConst.SO_DEBUG -> sk.setFlag(SockFlag.DBG, on);
            case SockConst.SO_REUSEADDR -> sk.reuse = on;
            case SockConst.SO_REUSEPORT -> sk.reuseport = on;
            case SockConst.SO_TYPE, SockConst.SO_PROTOCOL, SockConst.SO_DOMAIN, SockConst.SO_ERROR -> {
                return -Errno.ENOPROTOOPT;
            }
            case SockConst.SO_DONTROUTE -> {
                sk.setFlag(SockFlag.LOCALROUTE, on);
                sk.skDstReset();
            }
            case SockConst.SO_BROADCAST -> sk.setFlag(SockFlag.BROADCAST, on);
            case SockConst.SO_SNDBUF ->
                setSndbuf(sk, Math.min(val, SockSysctl.of(sk.net).wmemMax()));
            case SockConst.SO_SNDBUFFORCE -> setSndbuf(sk, Math.max(val, 0));
            case SockConst.SO_RCVBUF ->
                setRcvbuf(sk, Math.min(val, SockSysctl.of(sk.net).rmemMax()));
            case SockConst.SO_RCVBUFFORCE -> setRcvbuf(sk, Math.max(val, 0));
            case SockConst.SO_KEEPALIVE -> {
                prot(sk).keepalive(sk, on);
                sk.setFlag(SockFlag.KEEPOPEN, on);
            }
            case SockConst.SO_OOBINLINE -> sk.setFlag(SockFlag.URGINLINE, on);
            case SockConst.SO_NO_CHECK -> sk.noCheckTx = on;
            case SockConst.SO_PRIORITY -> sk.priority = val;
            case SockConst.SO_LINGER -> {
                return setLinger(sk, opt);
            }
            case SockConst.SO_TIMESTAMP,
                    SockConst.SO_TIMESTAMPNS,
                    SockConst.SO_TIMESTAMP_NEW,
                    SockConst.SO_TIMESTAMPNS_NEW -> setTimestamp(sk, optname, on);
            case SockConst.SO_TIMESTAMPING, SockConst.SO_TIMESTAMPING_NEW -> {
                return setTimestamping(sk, optname, val);
            }
            case SockConst.SO_RCVLOWAT -> {
                return sock.ops().setRcvlowat(sk, val < 0 ? Integer.MAX_VALUE : val);
            }
            case SockConst.SO_SNDLOWAT -> {
                return -Errno.ENOPROTOOPT;
            }
            case SockConst.SO_RCVTIMEO, SockConst.SO_RCVTIMEO_NEW -> {
                long ns = timeoutNs(opt);
                if (ns < 0) {
                    return (int) ns;
                }
                sk.rcvtimeoNs = ns;
            }
            case SockConst.SO_SNDTIMEO, SockConst.SO_SNDTIMEO_NEW -> {
                long ns = timeoutNs(opt);
                if (ns < 0) {
                    return (int) ns;
                }
                sk.sndtimeoNs = ns;
            }
            default -> {
                return setMore(sock, sk, optname, opt);
            }
        }
        return 0;
    }

    private static int setMore(Socket sock, Sock sk, int optname, OptVal opt) {
        int val = opt.getInt();
        boolean on = val != 0;
        switch (optname) {
            case SockConst.SO_MARK -> {
                if (sk.mark != val) {
                    sk.mark = val;
                    sk.skDstReset();
                }
            }
            case SockConst.SO_RCVMARK -> sk.setFlag(SockFlag.RCVMARK, on);
            case SockConst.SO_RCVPRIORITY -> sk.setFlag(SockFlag.RCVPRIORITY, on);
            case SockConst.SO_RXQ_OVFL -> sk.setFlag(SockFlag.RXQ_OVFL, on);
            case SockConst.SO_SELECT_ERR_QUEUE -> sk.setFlag(SockFlag.SELECT_ERR_QUEUE, on);
            case SockConst.SO_PEEK_OFF -> {
                return sock.ops().setPeekOff(sk, val);
            }
            case SockConst.SO_BUSY_POLL -> {
                if (val < 0) {
                    return -Errno.EINVAL;
                }
                sk.llUsec = val;
            }
            case SockConst.SO_PREFER_BUSY_POLL -> sk.preferBusyPoll = on;
            case SockConst.SO_BUSY_POLL_BUDGET -> {
                if (val < 0 || val > Short.MAX_VALUE) {
                    return -Errno.EINVAL;
                }
                sk.busyPollBudget = (short) val;
            }
            case SockConst.SO_MAX_PACING_RATE -> setMaxPacingRate(sk, opt);
            case SockConst.SO_INCOMING_CPU -> sk.incomingCpu = val;
            case SockConst.SO_ZEROCOPY -> {
                if (val < 0 || val > 1) {
                    return -Errno.EINVAL;
                }
                if (!sock.testFlag(Socket.SOCK_SUPPORT_ZC)) {
                    return -Errno.EOPNOTSUPP;
                }
                sk.setFlag(SockFlag.ZEROCOPY, on);
            }
            case SockConst.SO_TXTIME -> {
                if (opt.len != 8 || (opt.getInt(4) & ~3) != 0) {
                    return -Errno.EINVAL;
                }
                sk.setFlag(SockFlag.TXTIME);
                sk.txtimeClock = val;
                sk.txtimeFlags = opt.getInt(4);
            }
            case SockConst.SO_BINDTOIFINDEX -> {
                return bindToIndex(sk, val);
            }
            case SockConst.SO_BUF_LOCK -> {
                if ((val & ~(Sock.SOCK_SNDBUF_LOCK | Sock.SOCK_RCVBUF_LOCK)) != 0) {
                    return -Errno.EINVAL;
                }
                sk.userlocks = (byte) (val | sk.userlocks & ~(Sock.SOCK_SNDBUF_LOCK | Sock.SOCK_RCVBUF_LOCK));
            }
            case SockConst.SO_RESERVE_MEM -> {
                return reserveMemory(sk, val);
            }
            case SockConst.SO_TXREHASH -> {
                if (val < -1 || val > 1) {
                    return -Errno.EINVAL;
                }
                sk.txrehash = val == -1 ? SockSysctl.of(sk.net).txrehash() : on;
            }
            default -> {
                return -Errno.ENOPROTOOPT;
            }
        }
        return 0;
    }

    /** Doubles what was asked, for the bookkeeping that truesize counts too, and wakes writers. */
    private static void setSndbuf(Sock sk, int asked) {
        int val = Math.min(asked, Integer.MAX_VALUE / 2);
        sk.userlocks |= Sock.SOCK_SNDBUF_LOCK;
        sk.sndbuf = Math.max(val * 2, SockMem.SOCK_MIN_SNDBUF);
        sk.writeSpace(null);
    }

    /** Linux: __sock_set_rcvbuf() */
    private static void setRcvbuf(Sock sk, int asked) {
        int val = Math.min(asked, Integer.MAX_VALUE / 2);
        sk.userlocks |= Sock.SOCK_RCVBUF_LOCK;
        sk.rcvbuf = Math.max(val * 2, SockMem.SOCK_MIN_RCVBUF);
    }

    private static int setLinger(Sock sk, OptVal opt) {
        if (opt.len < 8) {
            return -Errno.EINVAL;
        }
        if (opt.getInt() == 0) {
            sk.resetFlag(SockFlag.LINGER);
        } else {
            sk.lingertimeNs = (opt.getInt(4) & 0xffff_ffffL) * NS_PER_SEC;
            sk.setFlag(SockFlag.LINGER);
        }
        return 0;
    }

    private static void setTimestamp(Sock sk, int optname, boolean on) {
        boolean ns = optname == SockConst.SO_TIMESTAMPNS || optname == SockConst.SO_TIMESTAMPNS_NEW;
        boolean newer = optname == SockConst.SO_TIMESTAMP_NEW || optname == SockConst.SO_TIMESTAMPNS_NEW;
        sk.setFlag(SockFlag.RCVTSTAMP, on);
        sk.setFlag(SockFlag.RCVTSTAMPNS, on && ns);
        sk.setFlag(SockFlag.TSTAMP_NEW, on && newer);
        if (on) {
            sk.enableTimestamp(SockFlag.TIMESTAMP);
        }
    }

    private static int setTimestamping(Sock sk, int optname, int val) {
        if ((val & ~SockConst.SOF_TIMESTAMPING_MASK) != 0) {
            return -Errno.EINVAL;
        }
        boolean keys = (val & SockConst.SOF_TIMESTAMPING_OPT_ID) != 0;
        boolean streamKeys = (val & SockConst.SOF_TIMESTAMPING_OPT_ID_TCP) != 0;
        boolean stats = (val & SockConst.SOF_TIMESTAMPING_OPT_STATS) != 0;
        if (streamKeys && !keys || stats && (val & SockConst.SOF_TIMESTAMPING_OPT_TSONLY) == 0) {
            return -Errno.EINVAL;
        }
        boolean newKeys = keys && (sk.tsflags & SockConst.SOF_TIMESTAMPING_OPT_ID) == 0;
        if (newKeys) {
            int err = prot(sk).resetTskey(sk, val);
            if (err != 0) {
                return err;
            }
        }
        sk.tsflags = val;
        sk.setFlag(SockFlag.TSTAMP_NEW, optname == SockConst.SO_TIMESTAMPING_NEW);
        if ((val & SockConst.SOF_TIMESTAMPING_RX_SOFTWARE) != 0) {
            sk.enableTimestamp(SockFlag.TIMESTAMPING_RX_SOFTWARE);
        } else {
            sk.disableTimestamp(SockFlag.TIMESTAMPING_RX_SOFTWARE);
        }
        return 0;
    }

    /** A struct timeval (or, with 8 bytes, nanoseconds) as a timeout; zero waits for ever. Linux: sock_set_timeout() */
    private static long timeoutNs(OptVal opt) {
        if (opt.len < 16) {
            return -Errno.EINVAL;
        }
        long sec = opt.getLong(0);
        long usec = opt.getLong(8);
        if (usec < 0 || usec >= 1_000_000) {
            return -Errno.EDOM;
        }
        if (sec < 0) {
            return 0;
        }
        if (sec == 0 && usec == 0 || sec >= Long.MAX_VALUE / NS_PER_SEC - 1) {
            return Long.MAX_VALUE;
        }
        return sec * NS_PER_SEC + usec * 1_000;
    }

    private static void setMaxPacingRate(Sock sk, OptVal opt) {
        int val = opt.getInt();
        long rate = opt.len >= 8 ? opt.getLong() : val == -1 ? Long.MAX_VALUE : val & 0xffff_ffffL;
        if (rate < 0) {
            rate = Long.MAX_VALUE;
        }
        if (rate != Long.MAX_VALUE && sk.pacingStatus == Sock.SK_PACING_NONE) {
            sk.pacingStatus = Sock.SK_PACING_NEEDED;
        }
        sk.maxPacingRate = rate;
        sk.pacingRate = Math.min(sk.pacingRate, rate);
    }

    /** Linux: sock_reserve_memory() */
    private static int reserveMemory(Sock sk, int val) {
        ProtoMemory memory = prot(sk).memory;
        if (val < 0) {
            return -Errno.EINVAL;
        }
        if (memory == null) {
            return -Errno.EOPNOTSUPP;
        }
        int delta = val - sk.reservedMem;
        if (delta < 0) {
            sk.reservedMem = val;
            sk.memReclaim(null);
            return 0;
        }
        int pages = SockMem.pages(delta);
        long allocated = memory.add(null, pages);
        if (allocated > memory.limit(1)) {
            memory.add(null, -pages);
            return -Errno.ENOMEM;
        }
        sk.forwardAlloc += pages * SockMem.SK_MEM_QUANTUM;
        sk.reservedMem += pages * SockMem.SK_MEM_QUANTUM;
        return 0;
    }

    private static int bindToDevice(Sock sk, String name) {
        int index = 0;
        if (!name.isEmpty()) {
            NetDevice dev = sk.net.devices.byName(name);
            if (dev == null) {
                return -Errno.ENODEV;
            }
            index = dev.ifindex;
        }
        sk.lockSock();
        try {
            return bindToIndex(sk, index);
        } finally {
            sk.releaseSock();
        }
    }

    /** Linux: sock_bindtoindex_locked() */
    private static int bindToIndex(Sock sk, int ifindex) {
        if (ifindex < 0) {
            return -Errno.EINVAL;
        }
        sk.boundDevIf = ifindex;
        net.core.Cpu cpu = sk.localBhDisable();
        prot(sk).rehash(cpu, sk);
        cpu.localBhEnable();
        sk.skDstReset();
        return 0;
    }

    // ---- get ----

    /** Answers into {@code opt}, whose length bounds the answer. */
    public static int getsockopt(Socket sock, int optname, OptVal opt) {
        Sock sk = sock.sk;
        if (sk == null) {
            return -Errno.EBADF;
        }
        switch (optname) {
            case SockConst.SO_DEBUG -> opt.setInt(bit(sk, SockFlag.DBG));
            case SockConst.SO_DONTROUTE -> opt.setInt(bit(sk, SockFlag.LOCALROUTE));
            case SockConst.SO_BROADCAST -> opt.setInt(bit(sk, SockFlag.BROADCAST));
            case SockConst.SO_SNDBUF -> opt.setInt(sk.sndbuf);
            case SockConst.SO_RCVBUF -> opt.setInt(sk.rcvbuf);
            case SockConst.SO_REUSEADDR -> opt.setInt(sk.reuse ? 1 : 0);
            case SockConst.SO_REUSEPORT -> opt.setInt(sk.reuseport ? 1 : 0);
            case SockConst.SO_KEEPALIVE -> opt.setInt(bit(sk, SockFlag.KEEPOPEN));
            case SockConst.SO_TYPE -> opt.setInt(sk.type);
            case SockConst.SO_PROTOCOL -> opt.setInt(sk.protocol);
            case SockConst.SO_DOMAIN -> opt.setInt(sk.family);
            case SockConst.SO_ERROR -> opt.setInt(takeError(sk));
            case SockConst.SO_OOBINLINE -> opt.setInt(bit(sk, SockFlag.URGINLINE));
            case SockConst.SO_NO_CHECK -> opt.setInt(sk.noCheckTx ? 1 : 0);
            case SockConst.SO_PRIORITY -> opt.setInt(sk.priority);
            case SockConst.SO_LINGER -> opt.setInts(bit(sk, SockFlag.LINGER), (int) (sk.lingertimeNs / NS_PER_SEC));
            case SockConst.SO_TIMESTAMP, SockConst.SO_TIMESTAMP_NEW ->
                opt.setInt(
                        sk.flag(SockFlag.RCVTSTAMP)
                                        && !sk.flag(SockFlag.RCVTSTAMPNS)
                                        && sk.flag(SockFlag.TSTAMP_NEW) == (optname == SockConst.SO_TIMESTAMP_NEW)
                                ? 1
                                : 0);
            case SockConst.SO_TIMESTAMPNS, SockConst.SO_TIMESTAMPNS_NEW ->
                opt.setInt(
                        sk.flag(SockFlag.RCVTSTAMPNS)
                                        && sk.flag(SockFlag.TSTAMP_NEW) == (optname == SockConst.SO_TIMESTAMPNS_NEW)
                                ? 1
                                : 0);
            case SockConst.SO_TIMESTAMPING, SockConst.SO_TIMESTAMPING_NEW -> opt.setInts(sk.tsflags, 0);
            case SockConst.SO_RCVTIMEO, SockConst.SO_RCVTIMEO_NEW -> putTimeval(opt, sk.rcvtimeoNs);
            case SockConst.SO_SNDTIMEO, SockConst.SO_SNDTIMEO_NEW -> putTimeval(opt, sk.sndtimeoNs);
            case SockConst.SO_RCVLOWAT -> opt.setInt(sk.rcvlowat);
            case SockConst.SO_SNDLOWAT -> opt.setInt(1);
            case SockConst.SO_ACCEPTCONN -> opt.setInt(sk.state == TcpStates.TCP_LISTEN ? 1 : 0);
            case SockConst.SO_MARK -> opt.setInt(sk.mark);
            default -> {
                return getMore(sk, optname, opt);
            }
        }
        return 0;
    }

    private static int getMore(Sock sk, int optname, OptVal opt) {
        switch (optname) {
            case SockConst.SO_RCVMARK -> opt.setInt(bit(sk, SockFlag.RCVMARK));
            case SockConst.SO_RCVPRIORITY -> opt.setInt(bit(sk, SockFlag.RCVPRIORITY));
            case SockConst.SO_RXQ_OVFL -> opt.setInt(bit(sk, SockFlag.RXQ_OVFL));
            case SockConst.SO_SELECT_ERR_QUEUE -> opt.setInt(bit(sk, SockFlag.SELECT_ERR_QUEUE));
            case SockConst.SO_PEEK_OFF -> opt.setInt(sk.peekOff);
            case SockConst.SO_BINDTODEVICE -> {
                NetDevice dev = sk.boundDevIf == 0 ? null : sk.net.devices.byIndex(sk.boundDevIf);
                if (sk.boundDevIf != 0 && dev == null) {
                    return -Errno.ENODEV;
                }
                opt.setString(dev == null ? "" : dev.name());
            }
            case SockConst.SO_BINDTOIFINDEX -> opt.setInt(sk.boundDevIf);
            case SockConst.SO_BUSY_POLL -> opt.setInt(sk.llUsec);
            case SockConst.SO_PREFER_BUSY_POLL -> opt.setInt(sk.preferBusyPoll ? 1 : 0);
            case SockConst.SO_BUSY_POLL_BUDGET -> opt.setInt(sk.busyPollBudget);
            case SockConst.SO_MAX_PACING_RATE -> {
                if (opt.len >= 8) {
                    opt.setLong(sk.maxPacingRate == Long.MAX_VALUE ? -1 : sk.maxPacingRate);
                } else {
                    opt.setInt((int) Math.min(sk.maxPacingRate, 0xffff_ffffL));
                }
            }
            case SockConst.SO_INCOMING_CPU -> opt.setInt(sk.incomingCpu);
            case SockConst.SO_INCOMING_NAPI_ID -> opt.setInt(sk.napiId);
            case SockConst.SO_MEMINFO -> opt.setInts(meminfo(sk));
            case SockConst.SO_COOKIE -> {
                if (opt.len < 8) {
                    return -Errno.EINVAL;
                }
                opt.setLong(sk.cookie());
            }
            case SockConst.SO_ZEROCOPY -> opt.setInt(bit(sk, SockFlag.ZEROCOPY));
            case SockConst.SO_TXTIME -> opt.setInts(sk.txtimeClock, sk.txtimeFlags);
            case SockConst.SO_NETNS_COOKIE -> {
                if (opt.len != 8) {
                    return -Errno.EINVAL;
                }
                opt.setLong(sk.net.id + 1L);
            }
            case SockConst.SO_BUF_LOCK -> opt.setInt(sk.userlocks & (Sock.SOCK_SNDBUF_LOCK | Sock.SOCK_RCVBUF_LOCK));
            case SockConst.SO_RESERVE_MEM -> opt.setInt(sk.reservedMem);
            case SockConst.SO_TXREHASH -> opt.setInt(sk.txrehash ? 1 : 0);
            default -> {
                return -Errno.ENOPROTOOPT;
            }
        }
        return 0;
    }

    /** What SO_MEMINFO and ss -m show. Linux: sk_get_meminfo() */
    public static int[] meminfo(Sock sk) {
        int[] info = new int[SK_MEMINFO_VARS];
        info[0] = sk.rmemAlloc();
        info[1] = sk.rcvbuf;
        info[2] = sk.wmemAlloc();
        info[3] = sk.sndbuf;
        info[4] = sk.forwardAlloc;
        info[5] = sk.wmemQueued;
        info[6] = sk.optmem();
        info[7] = sk.backlogLen;
        info[8] = sk.drops();
        return info;
    }

    private static int takeError(Sock sk) {
        int err = -sk.sockError();
        if (err == 0) {
            err = sk.errSoft;
            sk.errSoft = 0;
        }
        return err;
    }

    private static void putTimeval(OptVal opt, long ns) {
        if (ns == Long.MAX_VALUE) {
            opt.setLongs(0, 0);
        } else {
            opt.setLongs(ns / NS_PER_SEC, ns % NS_PER_SEC / 1_000);
        }
    }

    private static int bit(Sock sk, int flag) {
        return sk.flag(flag) ? 1 : 0;
    }

    private static Proto prot(Sock sk) {
        return java.util.Objects.requireNonNull(sk.prot);
    }
}
