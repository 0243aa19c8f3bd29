/**
 * Micrometer meters over a {@link net.core.Kernel}: {@link net.metrics.SoftnetMetrics} binds them to any registry,
 * {@link net.metrics.PrometheusServer} serves them.
 *
 * {@snippet :
 * try (SoftnetMetrics metrics = new SoftnetMetrics(kernel)) {
 *     metrics.bindTo(registry);
 *     // after devices, qdiscs or namespaces changed; the Prometheus server does it at each scrape
 *     metrics.refresh();
 * }
 * }
 *
 * <table>
 * <caption>Families, and what Linux shows in the same place</caption>
 * <thead><tr><th>meters</th><th>tags</th><th>kernel source</th></tr></thead>
 * <tbody>
 * <tr><td>{@code softnet.tcp.*}, {@code softnet.ip.*}, {@code softnet.icmp.*}, {@code softnet.udp.*}: one for each
 *     counter of nstat, by its name there, such as {@code softnet.tcp.TcpExtTCPHPHits}</td><td>net</td>
 *     <td>{@code /proc/net/snmp}, {@code /proc/net/netstat}; include/uapi/linux/snmp.h, net/ipv4/proc.c</td></tr>
 * <tr><td>{@code softnet.softirq.runs}</td><td>cpu, vector</td><td>{@code /proc/softirqs}; fs/proc/softirqs.c</td></tr>
 * <tr><td>{@code softnet.softirq.processed}, {@code .dropped}, {@code .time.squeeze}, {@code .received.rps},
 *     {@code .flow.limit}, {@code .backlog.len}, {@code .xmit.recursion}, {@code .deferrals}</td><td>cpu</td>
 *     <td>{@code /proc/net/softnet_stat}; softnet_seq_show(), net/core/net-procfs.c</td></tr>
 * <tr><td>{@code softnet.skb.drops}</td><td>reason</td>
 *     <td>tracepoint skb:kfree_skb; include/net/dropreason-core.h</td></tr>
 * <tr><td>{@code softnet.skb.consumed}, {@code .alloc.failures}, {@code .outstanding}</td><td></td>
 *     <td>tracepoint skb:consume_skb; skbuff_cache of {@code /proc/slabinfo}</td></tr>
 * <tr><td>{@code softnet.memory.slab}, {@code .limit}, {@code .pages}</td><td></td>
 *     <td>page_pool statistics; net/core/page_pool.c</td></tr>
 * <tr><td>{@code softnet.sockets.inuse}, {@code .allocated}, {@code .orphans}, {@code .memory}, {@code .pressure}</td>
 *     <td>protocol</td><td>{@code /proc/net/sockstat}, {@code /proc/net/protocols}; sockstat_seq_show(),
 *     net/ipv4/proc.c, proto_seq_printf(), net/core/sock.c</td></tr>
 * <tr><td>{@code softnet.device.rx.packets}, {@code .rx.bytes}, {@code .tx.packets}, ...</td><td>net, device</td>
 *     <td>{@code ip -s link}; struct rtnl_link_stats64, include/uapi/linux/if_link.h</td></tr>
 * <tr><td>{@code softnet.device.stat}</td><td>net, device, stat</td>
 *     <td>{@code ethtool -S}; net/ethtool/ioctl.c</td></tr>
 * <tr><td>{@code softnet.qdisc.bytes}, {@code .packets}, {@code .drops}, {@code .overlimits}, {@code .requeues},
 *     {@code .qlen}, {@code .backlog}</td><td>net, device, kind, handle, queue</td>
 *     <td>{@code tc -s qdisc}; struct gnet_stats_queue, net/core/gen_stats.c</td></tr>
 * </tbody>
 * </table>
 *
 * <p>Counters belong to the stack's single writers; a scrape may miss the last few events, and never costs the packet
 * path anything.
 */
@NullMarked
package net.metrics;

import org.jspecify.annotations.NullMarked;
