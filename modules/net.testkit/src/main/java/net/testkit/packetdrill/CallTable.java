package net.testkit.packetdrill;

import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import net.testkit.packetdrill.SyscallEvents.Body;
import org.jspecify.annotations.Nullable;

/** The system calls by name. */
final class CallTable {
    /** Their result is a descriptor: any will do. */
    private static final Set<String> MAKE_FD = Set.of("socket", "accept", "open", "epoll_create");

    private final Map<String, Body> bodies = new HashMap<>();

    CallTable(ScriptWorld world) {
        new SocketCalls(world).register(bodies);
        new DataCalls(world).register(bodies);
        new OptionCalls(world).register(bodies);
        new PollCalls(world).register(bodies);
        new FileCalls(world).register(bodies);
    }

    @Nullable
    Body find(String name) {
        return bodies.get(name);
    }

    boolean makesFd(String name) {
        return MAKE_FD.contains(name);
    }
}
