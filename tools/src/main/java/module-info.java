/**
 * The command line {@code softnet} and what it needs to start, steer and watch a kernel.
 *
 * <p>Counterparts: iproute2, iputils, ethtool, nstat, tcpdump and the small servers of a test bed.
 *
 * <p>Threading: commands run in process context; a running kernel is reached through its control socket.
 */
module softnet.tools {
    requires net.core;
    requires net.ipv4;
    requires net.metrics;
    requires net.netfilter;
    requires net.sched;
    requires net.tcp;
    requires net.testkit;
    requires drivers.tapnic;
    requires drivers.veth;
    requires com.fasterxml.jackson.core;
    requires info.picocli;
    requires org.apache.logging.log4j;

    exports softnet.tools;

    opens softnet.tools to
            info.picocli;
    opens softnet.tools.applet to
            info.picocli;
}
