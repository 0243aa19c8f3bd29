package net.testkit.packetdrill;

import java.util.Map;
import net.core.sock.SockAddr;
import net.core.sock.SockAddrIn;
import net.core.sock.SockConst;
import net.testkit.packetdrill.SyscallEvents.Body;
import net.testkit.packetdrill.SyscallEvents.Call;
import net.testkit.packetdrill.lang.Expr;

/** Calls that make, name, connect and end sockets, and what they tell of the connection under test. */
final class SocketCalls {
    private final ScriptWorld world;

    SocketCalls(ScriptWorld world) {
        this.world = world;
    }

    void register(Map<String, Body> bodies) {
        bodies.put("socket", this::socket);
        bodies.put("bind", this::bind);
        bodies.put("listen", this::listen);
        bodies.put("accept", this::accept);
        bodies.put("connect", this::connect);
        bodies.put("shutdown", this::shutdown);
        bodies.put("close", this::close);
    }

    private long socket(Call call) {
        Args a = call.args.count(3, 3);
        int family = a.isEllipsis(0) ? SockConst.AF_INET : a.integer(0);
        int type = a.integer(1);
        int protocol = a.integer(2);
        int fd = world.sys.socket(family, type, protocol);
        call.then(() -> {
            ScriptSocket s =
                    new ScriptSocket(type & SockConst.SOCK_TYPE_MASK, protocol != 0 ? protocol : defaultProtocol(type));
            world.addFd(call.scriptResult(), fd).socket = s;
            world.underTest = s;
        });
        return fd;
    }

    private static int defaultProtocol(int type) {
        return (type & SockConst.SOCK_TYPE_MASK) == SockConst.SOCK_STREAM ? LivePacket.TCP : LivePacket.UDP;
    }

    private long bind(Call call) {
        Args a = call.args.count(3, 3);
        ScriptWorld.Fd fd = a.fd(0);
        SockAddr address = a.at(1) instanceof Expr.SockAddr s
                ? new SockAddrIn(net.testkit.Lab.address(s.address()), s.port())
                : new SockAddrIn(world.localIp, world.settings.bindPort());
        return world.sys.bind(fd.live, address);
    }

    private long listen(Call call) {
        Args a = call.args.count(2, 2);
        ScriptWorld.Fd fd = a.fd(0);
        int err = world.sys.listen(fd.live, a.integer(1));
        call.then(() -> {
            ScriptSocket s = fd.socket;
            if (s == null) {
                throw new ScriptFailure("unable to find socket with script fd " + fd.script);
            }
            s.state = ScriptSocket.State.LISTENING;
        });
        return err;
    }

    private long accept(Call call) {
        Args a = call.args.count(3, 3);
        ScriptWorld.Fd listener = a.fd(0);
        a.ellipsisOrNull(1);
        a.ellipsisOrNull(2);
        SockAddr[] peer = new SockAddr[1];
        int live = world.sys.accept4(listener.live, peer, 0);
        call.then(() -> accepted(call.scriptResult(), live, (SockAddrIn) peer[0]));
        return live;
    }

    /** The newest connection whose handshake the script went through and that has no descriptor yet gets this one. */
    private void accepted(int script, int live, SockAddrIn peer) {
        ScriptSocket again = null;
        for (ScriptWorld.Fd fd : world.fds.reversed()) {
            ScriptSocket s = fd.socket;
            if (s == null || !s.isOpened() || s.remoteIp != peer.addr || s.remotePort != peer.port) {
                continue;
            }
            if (fd.live < 0) {
                fd.script = script;
                fd.live = live;
                return;
            }
            again = again == null ? s : again;
        }
        if (again == null) {
            throw new ScriptFailure("unable to find socket matching accept() call");
        }
        // The same addresses once more, after the connection before has ended.
        world.addFd(script, live).socket = again;
    }

    private long connect(Call call) {
        Args a = call.args.count(2, 3);
        ScriptWorld.Fd fd = a.fd(0);
        return world.sys.connect(fd.live, destination(world, a, 1, fd));
    }

    /** The address of a connect or sendto, which begins a connection if the socket is new. */
    static SockAddr destination(ScriptWorld world, Args a, int i, ScriptWorld.Fd fd) {
        ScriptSocket s = fd.socket;
        if (s == null) {
            throw new ScriptFailure("script fd " + fd.script + " is no socket");
        }
        if (!a.isEllipsis(i)) {
            int family = a.integer(i);
            if (family == SockConst.AF_UNSPEC) {
                s.state = ScriptSocket.State.NEW;
                return SockAddr.unspec();
            }
            begin(world, s);
            return new SockAddr(family) {};
        }
        begin(world, s);
        return new SockAddrIn(world.remoteIp, world.settings.connectPort());
    }

    /** A send with an address begins a connection if the socket is new. */
    static void begin(ScriptWorld world, ScriptWorld.Fd fd) {
        ScriptSocket s = fd.socket;
        if (s != null) {
            begin(world, s);
        }
    }

    private static void begin(ScriptWorld world, ScriptSocket s) {
        if (s.state == ScriptSocket.State.NEW) {
            s.state = ScriptSocket.State.CONNECTING;
            s.localPort = 0; // the first packet tells
            s.remoteIp = world.remoteIp;
            s.remotePort = world.settings.connectPort();
        }
    }

    private long shutdown(Call call) {
        Args a = call.args.count(2, 2);
        return world.sys.shutdown(a.fd(0).live, a.integer(1));
    }

    private long close(Call call) {
        Args a = call.args.count(1, 1);
        ScriptWorld.Fd fd = a.fd(0);
        MemoryFile file = fd.file;
        int err = 0;
        if (file != null) {
            file.close();
        } else {
            err = world.sys.close(fd.live);
        }
        call.then(() -> fd.closed = true);
        return err;
    }
}
