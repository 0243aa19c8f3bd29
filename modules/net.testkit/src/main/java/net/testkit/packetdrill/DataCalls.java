package net.testkit.packetdrill;

import java.util.Map;
import net.core.sock.Msghdr;
import net.core.sock.SockAddr;
import net.core.sock.SockAddrIn;
import net.testkit.packetdrill.SyscallEvents.Body;
import net.testkit.packetdrill.SyscallEvents.Call;
import net.testkit.packetdrill.lang.Expr;

/** Calls that move bytes. What is sent is zeros; what is received is not looked at. */
final class DataCalls {
    private final ScriptWorld world;

    DataCalls(ScriptWorld world) {
        this.world = world;
    }

    void register(Map<String, Body> bodies) {
        bodies.put("read", this::read);
        bodies.put("readv", this::readv);
        bodies.put("recv", this::recv);
        bodies.put("recvfrom", this::recvfrom);
        bodies.put("recvmsg", this::recvmsg);
        bodies.put("write", this::write);
        bodies.put("writev", this::writev);
        bodies.put("send", this::send);
        bodies.put("sendto", this::sendto);
        bodies.put("sendmsg", this::sendmsg);
    }

    private long read(Call call) {
        Args a = call.args.count(3, 3);
        return world.sys.read(a.fd(0).live, a.buffer(1, a.integer(2)));
    }

    private long write(Call call) {
        Args a = call.args.count(3, 3);
        return world.sys.write(a.fd(0).live, a.buffer(1, a.integer(2)));
    }

    private static ScriptBuffer vector(Args a) {
        if (!(a.at(1) instanceof Expr.Array list)) {
            throw a.wrong(1, "[{..., n}, ...]");
        }
        return a.iovec(list, a.integer(2));
    }

    private long readv(Call call) {
        Args a = call.args.count(3, 3);
        return world.sys.read(a.fd(0).live, vector(a));
    }

    private long writev(Call call) {
        Args a = call.args.count(3, 3);
        return world.sys.write(a.fd(0).live, vector(a));
    }

    private long recv(Call call) {
        Args a = call.args.count(4, 4);
        return world.sys.recv(a.fd(0).live, a.buffer(1, a.integer(2)), a.integer(3));
    }

    private long send(Call call) {
        Args a = call.args.count(4, 4);
        return world.sys.send(a.fd(0).live, a.buffer(1, a.integer(2)), a.integer(3));
    }

    private long recvfrom(Call call) {
        Args a = call.args.count(6, 6);
        a.ellipsisOrNull(4);
        a.ellipsisOrNull(5);
        return world.sys.recvfrom(a.fd(0).live, a.buffer(1, a.integer(2)), a.integer(3), new SockAddrIn());
    }

    private long sendto(Call call) {
        Args a = call.args.count(6, 6);
        ScriptWorld.Fd fd = a.fd(0);
        SockAddr to = SocketCalls.destination(world, a, 4, fd);
        return world.sys.sendto(fd.live, a.buffer(1, a.integer(2)), a.integer(3), to);
    }

    private static Expr.MsgHdr header(Args a) {
        if (a.at(1) instanceof Expr.MsgHdr m) {
            return m;
        }
        throw a.wrong(1, "{msg_name(...)=..., msg_iov(n)=[...]}");
    }

    private long sendmsg(Call call) {
        Args a = call.args.count(3, 3);
        ScriptWorld.Fd fd = a.fd(0);
        Expr.MsgHdr m = header(a);
        SocketCalls.begin(world, fd);
        Msghdr msg = new Msghdr()
                .reset(a.iovec(m.iov(), m.iovLen()), new SockAddrIn(world.remoteIp, world.settings.connectPort()), 0);
        CmsgCheck.fill(msg, m.control());
        return world.sys.sendmsg(fd.live, msg, a.integer(2));
    }

    private long recvmsg(Call call) {
        Args a = call.args.count(3, 3);
        ScriptWorld.Fd fd = a.fd(0);
        Expr.MsgHdr m = header(a);
        Msghdr msg = new Msghdr().reset(a.iovec(m.iov(), m.iovLen()), new SockAddrIn(), 0);
        msg.wantControl = !m.control().isEmpty();
        int n = world.sys.recvmsg(fd.live, msg, a.integer(2));
        call.then(() -> {
            int want = (int) Args.value(m.flags(), "msg_flags");
            if (msg.flags != want) {
                throw new ScriptFailure("Expected msg_flags 0x" + Integer.toHexString(want) + " but got 0x"
                        + Integer.toHexString(msg.flags));
            }
            new CmsgCheck(world).check(m.control(), msg.control);
        });
        return n;
    }
}
