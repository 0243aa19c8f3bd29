/**
 * The wire protocol of iperf3 3.12, apart from sockets: states, the JSON of parameters and results, the header of a UDP
 * datagram and what a receiver computes from it.
 */
@NullMarked
package softnet.tools.iperf;

import org.jspecify.annotations.NullMarked;
