package net.sched.cls.u32;

/**
 * One word to compare: four bytes at {@code off} from the network header, or with {@code nextHdr} from where the last
 * {@code offset} led, masked. Host order.
 *
 * <p>Linux: struct tc_u32_key
 */
record U32Key(int val, int mask, int off, boolean nextHdr) {}
