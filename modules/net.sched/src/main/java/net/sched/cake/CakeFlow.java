package net.sched.cake;

import net.sched.fair.FlowList;
import net.skbuff.SkBuffHead;

/**
 * One of a tin's queues, with the state of its AQM (COBALT).
 *
 * <p>Linux: struct cake_flow, struct cobalt_vars
 */
final class CakeFlow extends FlowList.Node {
    /** On no list. */
    static final int NONE = 0;
    /** New, or not above its share. */
    static final int SPARSE = 1;
    /** Empty, in the bulk round for the sake of its deficit, still counted sparse. */
    static final int SPARSE_WAIT = 2;
    /** Above its share. */
    static final int BULK = 3;
    /** Empty; its AQM comes to rest. */
    static final int DECAYING = 4;

    final SkBuffHead queue = new SkBuffHead();
    final int index;
    /** Full hash of the flow that has this queue. */
    int tag;
    /** One of the sets above. */
    int set;

    int backlog;
    int deficit;
    int dropped;
    /** Places of its hosts in the tin's table. */
    int srcHost;

    int dstHost;
    /** BLUE's drop probability, of 2^32. */
    long pDrop;

    long blueTimerNs;
    boolean ecnMarked;

    CakeFlow(int index) {
        this.index = index;
    }
}
