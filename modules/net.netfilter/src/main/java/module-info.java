/**
 * Connection tracking, address translation and filter tables.
 *
 * <p>Kernel directories: {@code net/netfilter}.
 *
 * <p>Threading: hook arrays and connection entries are read without a lock; bucket locks guard changes.
 */
module net.netfilter {
    requires transitive net.ipv4;

    exports net.netfilter;

    provides net.core.netfilter.NfModule with
            net.netfilter.DropCount;
}
