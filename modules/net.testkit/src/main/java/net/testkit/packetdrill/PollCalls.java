package net.testkit.packetdrill;

import java.util.List;
import java.util.Map;
import net.core.sock.EpollEvent;
import net.core.sock.PollFd;
import net.testkit.packetdrill.SyscallEvents.Body;
import net.testkit.packetdrill.SyscallEvents.Call;
import net.testkit.packetdrill.lang.Expr;

/** Calls that wait for events: poll and epoll. */
final class PollCalls {
    private static final int MAX_EVENTS = 4096;

    private final ScriptWorld world;

    PollCalls(ScriptWorld world) {
        this.world = world;
    }

    void register(Map<String, Body> bodies) {
        bodies.put("poll", this::poll);
        bodies.put("epoll_create", this::epollCreate);
        bodies.put("epoll_ctl", this::epollCtl);
        bodies.put("epoll_wait", this::epollWait);
    }

    private static long timeoutNs(int ms) {
        return ms < 0 ? -1 : ms * 1_000_000L;
    }

    private long poll(Call call) {
        Args a = call.args.count(3, 3);
        if (!(a.at(0) instanceof Expr.Array list)) {
            throw a.wrong(0, "[{fd=,events=,revents=}]");
        }
        List<Expr> items = list.items();
        if (items.size() != a.integer(1)) {
            throw new ScriptFailure("poll of " + items.size() + " elements, but the count says " + a.integer(1));
        }
        PollFd[] fds = new PollFd[items.size()];
        int[] want = new int[fds.length];
        for (int i = 0; i < fds.length; i++) {
            if (!(items.get(i) instanceof Expr.PollFd p)) {
                throw a.wrong(0, "[{fd=,events=,revents=}]");
            }
            int fd = (int) Args.value(p.fd(), "fd");
            fds[i] = new PollFd(fd < 0 ? fd : world.fd(fd).live, (int) Args.value(p.events(), "events"));
            want[i] = (int) Args.value(p.revents(), "revents");
        }
        int n = world.sys.poll(fds, fds.length, timeoutNs(a.integer(2)));
        call.then(() -> {
            for (int i = 0; i < fds.length; i++) {
                if (fds[i].revents != want[i]) {
                    throw new ScriptFailure("Expected revents of 0x" + Integer.toHexString(want[i]) + " but got 0x"
                            + Integer.toHexString(fds[i].revents) + " for pollfd " + i);
                }
            }
        });
        return n;
    }

    private long epollCreate(Call call) {
        Args a = call.args.count(1, 1);
        if (a.integer(0) <= 0) {
            return -net.skbuff.Errno.EINVAL;
        }
        int fd = world.sys.epollCreate1(0);
        call.then(() -> world.addFd(call.scriptResult(), fd));
        return fd;
    }

    private long epollCtl(Call call) {
        Args a = call.args.count(4, 4);
        ScriptWorld.Fd fd = a.fd(2);
        EpollEvent event = a.at(3) instanceof Expr.EpollEvent e ? event(e) : null;
        return world.sys.epollCtl(a.fd(0).live, a.integer(1), fd.live, event);
    }

    private EpollEvent event(Expr.EpollEvent e) {
        long data = Args.value(e.data(), e.member());
        if (e.member().equals("fd")) {
            data = world.fd((int) data).live;
        }
        return new EpollEvent((int) Args.value(e.events(), "events"), data);
    }

    private long epollWait(Call call) {
        Args a = call.args.count(4, 4);
        if (!(a.at(1) instanceof Expr.EpollEvent e)) {
            throw a.wrong(1, "{events=,fd=}");
        }
        int max = a.integer(2);
        EpollEvent[] out = new EpollEvent[Math.clamp(max, 1, MAX_EVENTS)];
        for (int i = 0; i < out.length; i++) {
            out[i] = new EpollEvent();
        }
        EpollEvent want = event(e);
        int n = world.sys.epollWait(a.fd(0).live, out, max, timeoutNs(a.integer(3)));
        call.then(() -> {
            if (out[0].events != want.events) {
                throw new ScriptFailure("epoll_event->events does not match script: expected 0x"
                        + Integer.toHexString(want.events) + " actual 0x" + Integer.toHexString(out[0].events));
            }
            if (out[0].data != want.data) {
                throw new ScriptFailure(
                        "epoll_event->data does not match script: expected " + want.data + " actual " + out[0].data);
            }
        });
        return n;
    }
}
