/**
 * What tests of the stack and of modules for it stand on: clocks, scripted devices, faults, the segment language and
 * contract tests.
 *
 * <p>Kernel directories: {@code tools/testing/selftests/net} and packetdrill in spirit.
 *
 * <p>Threading: one thread at a time, in virtual time, from a seed.
 */
module net.testkit {
    requires java.management;
    requires jdk.management;
    requires transitive net.tcp;
    requires transitive net.sched;
    requires transitive drivers.tapnic;
    requires transitive drivers.veth;

    exports net.testkit;
    exports net.testkit.live;
    exports net.testkit.packetdrill;
    exports net.testkit.packetdrill.lang;
}
