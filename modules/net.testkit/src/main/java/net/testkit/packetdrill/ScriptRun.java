package net.testkit.packetdrill;

import java.util.Locale;
import java.util.Map;
import net.core.UserError;
import net.testkit.packetdrill.lang.Code;
import net.testkit.packetdrill.lang.Command;
import net.testkit.packetdrill.lang.Event;
import net.testkit.packetdrill.lang.Packet;
import net.testkit.packetdrill.lang.Script;
import net.testkit.packetdrill.lang.Settings;
import net.testkit.packetdrill.lang.Syscall;
import org.jspecify.annotations.Nullable;

/** The events of one script in their order, each at its time. Context: the kernel's main thread. */
final class ScriptRun {
    private final Script script;
    private final Settings settings;
    private int line;
    private @Nullable Transcript transcript;
    private EndState end = EndState.NONE;

    ScriptRun(Script script) {
        this.script = script;
        this.settings = script.settings();
    }

    /** Where the run stopped or is, 0 before the first event. */
    int line() {
        return line;
    }

    /** What passed from the first event to the last or to where the run stopped, if the world kept it. */
    Transcript transcript() {
        Transcript t = transcript;
        return t == null ? Transcript.NONE : t;
    }

    /** What the host knew after the last event, if the world kept packets. */
    EndState end() {
        return end;
    }

    /** Runs everything. @return what went wrong, in several lines; empty if nothing did */
    String run(ScriptWorld world) {
        ShellEvents shell = new ShellEvents(world);
        SyscallEvents calls = new SyscallEvents(world);
        PacketEvents packets = new PacketEvents(world);
        try {
            for (String init : settings.initScripts()) {
                shell.run(new Command(0, init));
            }
            Command init = script.initCommand();
            if (init != null) {
                line = init.line();
                shell.run(init);
            }
            world.begin();
            Map<String, Long> before = world.keepsAll() ? EndState.counters(world) : Map.of();
            events(world, shell, calls, packets);
            if (world.keepsAll() && calls.awaitIdle()) {
                end = EndState.of(world, before);
            }
            transcript = ended(world);
            finish(world, shell, calls, packets);
            return "";
        } catch (ScriptFailure | UserError e) {
            return report(world, e.getMessage());
        } catch (RuntimeException | Error e) {
            java.io.StringWriter trace = new java.io.StringWriter();
            e.printStackTrace(new java.io.PrintWriter(trace));
            return report(world, "bug: " + trace);
        }
    }

    private static Transcript ended(ScriptWorld world) {
        boolean kept = world.keepsAll();
        Transcript t = world.transcript();
        return kept ? new Transcript(t.steps(), t.endUsecs(), world.moved()) : t;
    }

    private String report(ScriptWorld world, @Nullable String what) {
        if (transcript == null) {
            transcript = world.transcript();
        }
        return script.path() + ":" + line + ": " + what + "\n  script: " + script.line(line)
                + "\nlast packets at " + String.format(Locale.ROOT, "%.6f", world.nowUsecs() / 1e6) + ":"
                + world.lastPackets();
    }

    private void events(ScriptWorld world, ShellEvents shell, SyscallEvents calls, PacketEvents packets) {
        CodeEvents code = new CodeEvents(world, line -> {});
        ScriptTime last = null;
        Event before = null;
        for (Event event : script.events()) {
            line = event.line();
            long base = before != null && last != null && isInbound(before) && isInbound(event)
                    ? last.usecs()
                    : world.nowUsecs();
            ScriptTime time = ScriptTime.of(event, base);
            long lastUsecs = last == null ? ScriptTime.NONE : last.usecs();
            if (event.action() instanceof Packet p && !p.inbound()) {
                outbound(packets, p, time, lastUsecs);
            } else {
                if (event.action() instanceof Syscall) {
                    calls.awaitIdle();
                }
                world.sleepUntil(time.usecs());
                failedCall(calls);
                if (before != null) {
                    time.check(settings, world.nowUsecs(), lastUsecs, describe(event));
                }
                switch (event.action()) {
                    case Packet p -> packets.inbound(p);
                    case Syscall s -> call(world, calls, s, time);
                    case Command c -> shell.run(c);
                    case Code c -> code.run(c);
                }
            }
            failedCall(calls);
            last = time;
            before = event;
        }
    }

    /** With {@code --non_fatal=packet} a packet may differ or stay away. */
    private void outbound(PacketEvents packets, Packet packet, ScriptTime time, long lastUsecs) {
        try {
            packets.outbound(packet, time, lastUsecs);
        } catch (ScriptFailure e) {
            if (!settings.nonFatalPackets()) {
                throw e;
            }
        }
    }

    /** With {@code --non_fatal=syscall} a call may return something else, unless it blocks. */
    private void call(ScriptWorld world, SyscallEvents calls, Syscall syscall, ScriptTime time) {
        try {
            long began = world.nowUsecs();
            calls.run(syscall, time);
            if (!syscall.blocking()) {
                ScriptTime.checkAtOnce(settings, began, world.nowUsecs(), syscall.name());
            }
        } catch (ScriptFailure e) {
            if (!settings.nonFatalSyscalls()) {
                throw e;
            }
        }
    }

    private void failedCall(SyscallEvents calls) {
        int at = calls.failedLine();
        if (at != 0) {
            line = at;
        }
        calls.throwFailed();
    }

    private static boolean isInbound(Event e) {
        return e.action() instanceof Packet p && p.inbound();
    }

    private static String describe(Event event) {
        return switch (event.action()) {
            case Packet p -> "inbound packet";
            case Syscall s -> "system call start";
            case Command c -> "command";
            case Code c -> "data collection for code";
        };
    }

    /** The blocking call returns, connections are reset, descriptors closed, and nothing may be left. */
    private void finish(ScriptWorld world, ShellEvents shell, SyscallEvents calls, PacketEvents packets) {
        if (!calls.awaitIdle()) {
            Syscall s = calls.outstanding();
            throw new ScriptFailure("exiting while a blocking system call is in progress: "
                    + (s == null ? "" : s.name() + ", line " + s.line()));
        }
        failedCall(calls);
        Command cleanup = script.cleanupCommand();
        if (cleanup != null) {
            line = cleanup.line();
            shell.run(cleanup);
        }
        for (ScriptWorld.Fd fd : world.fds.reversed()) {
            MemoryFile file = fd.file;
            if (file != null) {
                file.close();
            } else if (!fd.closed && fd.live >= 0) {
                world.sys.close(fd.live);
            }
            ScriptSocket socket = fd.socket;
            if (socket != null) {
                packets.reset(socket);
            }
        }
        world.checkNoLeaks();
    }
}
