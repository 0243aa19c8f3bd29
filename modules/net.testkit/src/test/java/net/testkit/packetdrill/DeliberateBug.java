package net.testkit.packetdrill;

import java.util.List;

/**
 * A mistake that somebody could make in the stack: in one source file of {@code net.tcp} this text becomes that one.
 *
 * @param areas folders of scripts that have to catch it
 * @param what the mistake, as a reviewer would put it
 * @param file the class, in the module's package or {@code cong/} below it
 * @param right what stands there, exactly once
 * @param wrong what stands there with the bug
 */
record DeliberateBug(List<String> areas, String what, String file, String right, String wrong) {
    @Override
    public String toString() {
        return what;
    }
}
