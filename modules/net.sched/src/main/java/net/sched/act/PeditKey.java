package net.sched.act;

/**
 * One change of a 32-bit word of a packet, in network order: {@code word = (word & mask) ^ val}, or, to add, with
 * {@code val = (word + val) & ~mask}.
 *
 * @param header header that {@code off} counts from
 * @param off bytes, a multiple of 4
 * @param at where a byte is that is added to {@code off}, if {@code offmask} is not 0
 * @param offmask bits of that byte
 * @param shift by which they are shifted right
 * @param add whether to add
 * @param val bits to set, or number to add
 * @param mask bits that stay
 *     <p>Linux: struct tc_pedit_key, struct tcf_pedit_key_ex
 */
record PeditKey(Header header, int off, int at, int offmask, int shift, boolean add, int val, int mask) {
    /** The headers. Linux: enum pedit_header_type */
    enum Header {
        NETWORK(""),
        ETH("eth"),
        IP4("ipv4"),
        IP6("ipv6"),
        TCP("tcp"),
        UDP("udp");

        /** As tc shows it. */
        final String shown;

        Header(String shown) {
            this.shown = shown;
        }
    }
}
