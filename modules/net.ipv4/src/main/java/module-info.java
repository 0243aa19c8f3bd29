/**
 * The Internet Protocol, version 4: input, output, forwarding and fragments, the FIB, ARP, ICMP, IGMP, UDP and raw
 * sockets, and the parts of an inet socket that TCP builds on.
 *
 * <p>Kernel directories: {@code net/ipv4/inet_*.c}, {@code ip_*.c}, {@code fib_*}, {@code arp.c}, {@code icmp.c},
 * {@code udp.c}, {@code raw.c}, {@code igmp.c}.
 *
 * <p>Threading: runs in softirq context on the way in and in process or softirq context on the way out; lookups take
 * no lock.
 */
@SuppressWarnings("module") // the name ends in a digit, as the kernel's directory does
module net.ipv4 {
    requires transitive net.core;

    exports net.ipv4;
    exports net.ipv4.inet;
    exports net.ipv4.route;

    provides net.core.KernelModule with
            net.ipv4.Ipv4Module;
}
