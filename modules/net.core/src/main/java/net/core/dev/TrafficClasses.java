package net.core.dev;

import net.skbuff.HotPath;

/**
 * A device's traffic classes: which class a priority belongs to, and which range of transmit queues a class has. Replaced
 * whole ({@link NetDevice#trafficClasses}), never changed.
 *
 * <p>Linux: netdev_set_num_tc(), netdev_set_prio_tc_map(), netdev_set_tc_queue(), struct netdev_tc_txq
 */
public final class TrafficClasses {
    /** Most classes a device may have. Linux: TC_MAX_QUEUE */
    public static final int MAX = 16;

    private final byte[] prioToTc = new byte[MAX];
    private final int[] count;
    private final int[] offset;

    /**
     * As many classes as {@code count} is long.
     *
     * @param prioToTc by priority, 0 to 15; those beyond its end have class 0
     * @param count queues of each class
     * @param offset first queue of each class
     */
    public TrafficClasses(int[] prioToTc, int[] count, int[] offset) {
        for (int i = 0; i < prioToTc.length; i++) {
            this.prioToTc[i] = (byte) prioToTc[i];
        }
        this.count = count.clone();
        this.offset = offset.clone();
    }

    /** Number of classes. */
    @HotPath
    public int size() {
        return count.length;
    }

    /** Class of a packet's priority, of which the low four bits count. Linux: netdev_get_prio_tc_map(). */
    @HotPath
    public int tcOf(int priority) {
        return prioToTc[priority & MAX - 1];
    }

    /** Number of queues of a class. */
    @HotPath
    public int count(int tc) {
        return count[tc];
    }

    /** First queue of a class. */
    @HotPath
    public int offset(int tc) {
        return offset[tc];
    }

    /** Class that a queue belongs to, or -1. Linux: netdev_txq_to_tc(). */
    public int tcOfQueue(int queue) {
        for (int tc = 0; tc < count.length; tc++) {
            if (queue >= offset[tc] && queue < offset[tc] + count[tc]) {
                return tc;
            }
        }
        return -1;
    }
}
