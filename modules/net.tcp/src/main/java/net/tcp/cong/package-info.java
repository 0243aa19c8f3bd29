/**
 * The congestion control algorithms that are built in; {@link net.tcp.TcpCongestionOps} is what they and others implement.
 *
 * <p>Linux: net/ipv4/tcp_cong.c, net/ipv4/tcp_cubic.c.
 */
@NullMarked
package net.tcp.cong;

import org.jspecify.annotations.NullMarked;
