package net.testkit.packetdrill;

import java.util.Map;
import net.skbuff.Errno;
import net.testkit.packetdrill.SyscallEvents.Body;
import net.testkit.packetdrill.SyscallEvents.Call;
import net.testkit.packetdrill.lang.Expr;

/** Calls on files and pipes: open, sendfile, pipe, splice. Files are those that commands of the script made. */
final class FileCalls {
    /** Numbers of files, beyond those that the emulated process gives out. */
    private static final int FIRST_FILE = 1_000_000;

    private final ScriptWorld world;
    private int nextFile = FIRST_FILE;

    FileCalls(ScriptWorld world) {
        this.world = world;
    }

    void register(Map<String, Body> bodies) {
        bodies.put("open", this::open);
        bodies.put("sendfile", this::sendfile);
        bodies.put("pipe", this::pipe);
        bodies.put("splice", this::splice);
    }

    private long open(Call call) {
        Args a = call.args.count(2, 2);
        if (!(a.at(0) instanceof Expr.Str name)) {
            throw a.wrong(0, "a string");
        }
        Integer length = world.files.get(name.raw());
        if (length == null) {
            return -Errno.ENOENT;
        }
        int live = nextFile++;
        call.then(() -> world.addFd(call.scriptResult(), live).file = new MemoryFile(length));
        return live;
    }

    private long sendfile(Call call) {
        Args a = call.args.count(4, 4);
        MemoryFile in = a.fd(1).file;
        if (in == null) {
            return -Errno.EINVAL;
        }
        return world.sys.sendfile(a.fd(0).live, in.channel, a.inBrackets(2), a.number(3));
    }

    private long pipe(Call call) {
        Args a = call.args.count(1, 1);
        if (!(a.at(0) instanceof Expr.Array pair) || pair.items().size() != 2) {
            throw a.wrong(0, "[fd, fd]");
        }
        int[] fds = new int[2];
        int err = world.sys.pipe2(fds, 0);
        call.then(() -> {
            for (int i = 0; i < 2; i++) {
                world.addFd((int) Args.value(pair.items().get(i), "fd"), fds[i]);
            }
        });
        return err;
    }

    private long splice(Call call) {
        Args a = call.args.count(6, 6);
        if (a.number(1) != 0 || a.number(3) != 0) {
            throw new ScriptFailure("splice: offsets of pipes and sockets are NULL");
        }
        return world.sys.splice(a.fd(0).live, a.fd(2).live, a.integer(4), a.integer(5));
    }
}
