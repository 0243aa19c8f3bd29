package net.testkit.packetdrill;

import java.util.Arrays;
import java.util.HexFormat;
import java.util.Map;
import net.core.sock.OptVal;
import net.testkit.packetdrill.SyscallEvents.Body;
import net.testkit.packetdrill.SyscallEvents.Call;
import net.testkit.packetdrill.lang.Expr;

/** Calls about options: getsockopt, setsockopt, fcntl, ioctl. */
final class OptionCalls {
    private final ScriptWorld world;

    OptionCalls(ScriptWorld world) {
        this.world = world;
    }

    void register(Map<String, Body> bodies) {
        bodies.put("setsockopt", this::setsockopt);
        bodies.put("getsockopt", this::getsockopt);
        bodies.put("fcntl", this::fcntl);
        bodies.put("ioctl", this::ioctl);
        bodies.put("cap_set", this::capSet);
    }

    private long setsockopt(Call call) {
        Args a = call.args.count(5, 5);
        int fd = a.fd(0).live;
        return world.sys.setsockopt(fd, a.integer(1), a.integer(2), a.option(3, a.integer(4)));
    }

    private long getsockopt(Call call) {
        Args a = call.args.count(5, 5);
        int fd = a.fd(0).live;
        int length = (int) a.inBrackets(4);
        OptVal out = new OptVal(length);
        int err = world.sys.getsockopt(fd, a.integer(1), a.integer(2), out);
        call.then(() -> compare(a, length, out));
        return err;
    }

    private static void compare(Args a, int length, OptVal out) {
        if (out.len != length) {
            throw new ScriptFailure("Bad getsockopt optlen: expected " + length + " actual " + out.len);
        }
        switch (a.at(3)) {
            case Expr.Str s -> {
                byte[] want = Args.bytes(s);
                if (want.length != length || !Arrays.equals(want, 0, length, out.data, 0, length)) {
                    HexFormat hex = HexFormat.of();
                    throw new ScriptFailure("Bad getsockopt optval: expected " + hex.formatHex(want) + " actual "
                            + hex.formatHex(out.data, 0, out.len));
                }
            }
            case Expr.Array list -> {
                if (length != 4) {
                    throw new ScriptFailure("Unsupported getsockopt optlen: " + length);
                }
                int want = (int) a.inBrackets(3);
                if (out.getInt() != want) {
                    throw new ScriptFailure("Bad getsockopt optval: expected " + want + " actual " + out.getInt());
                }
            }
            case Expr.Linger l -> {
                if (length != 8 || out.getInt(0) != l.onoff() || out.getInt(4) != l.linger()) {
                    throw new ScriptFailure("Bad getsockopt optval: expected {onoff=" + l.onoff() + ", linger="
                            + l.linger() + "} actual {onoff=" + out.getInt(0) + ", linger=" + out.getInt(4) + "}");
                }
            }
            default -> throw a.wrong(3, "[number] or a string");
        }
    }

    private long fcntl(Call call) {
        Args a = call.args.count(2, 3);
        return world.sys.fcntl(a.fd(0).live, a.integer(1), a.count() == 3 ? a.integer(2) : 0);
    }

    private long ioctl(Call call) {
        Args a = call.args.count(2, 3);
        int fd = a.fd(0).live;
        OptVal out = new OptVal(4);
        int err = world.sys.ioctl(fd, a.integer(1), out);
        if (a.count() == 3) {
            int want = (int) a.inBrackets(2);
            call.then(() -> {
                if (out.getInt() != want) {
                    throw new ScriptFailure("Bad ioctl optval: expected " + want + " actual " + out.getInt());
                }
            });
        }
        return err;
    }

    /** The emulated process has every capability, and no call asks for one. */
    private long capSet(Call call) {
        return 0;
    }
}
