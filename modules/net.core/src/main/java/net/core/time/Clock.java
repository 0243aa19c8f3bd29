package net.core.time;

/**
 * A kernel's time: monotonic nanoseconds that start at {@link #BOOT_NS}, so that 0 can mean "unset", and jiffies
 * (HZ = 1000) that start five minutes before their low 32 bits wrap, so that code which forgets the wrap fails at once.
 * In softirq and under a CPU's word use {@code cpu.nowNs()}, which is read once per poll.
 *
 * <p>Linux: ktime_get(), jiffies, include/linux/jiffies.h.
 */
public abstract class Clock {
    /** Ticks of the timer wheel per second. */
    public static final int HZ = 1000;
    /** A jiffy's length. */
    public static final long NS_PER_JIFFY = 1_000_000_000L / HZ;
    /** The monotonic clock at boot. */
    public static final long BOOT_NS = 1_000_000_000L;
    /** Jiffies at time 0 of the monotonic clock. */
    public static final long INITIAL_JIFFIES = (1L << 32) - 300L * HZ;
    /** A deadline that never comes. */
    public static final long NEVER = Long.MAX_VALUE;

    /** For the two kinds of time. */
    protected Clock() {}

    /** Monotonic nanoseconds. Any context; about 24 ns when live. */
    public abstract long nanoTime();

    /** Nanoseconds since 1970, for what people and other machines see: packet stamps, {@code SO_TIMESTAMP}. */
    public abstract long realTimeNs();

    /** Jiffies now. */
    public final long jiffies() {
        return nsToJiffies(nanoTime());
    }

    /** The jiffy that monotonic time {@code ns} lies in. */
    public static long nsToJiffies(long ns) {
        return INITIAL_JIFFIES + ns / NS_PER_JIFFY;
    }

    /** The monotonic time at which {@code jiffies} begins; {@link #NEVER} stays. */
    public static long jiffiesToNs(long jiffies) {
        return jiffies == NEVER ? NEVER : (jiffies - INITIAL_JIFFIES) * NS_PER_JIFFY;
    }

    /** A deadline {@code timeoutNs} from {@code nowNs}; a negative timeout, or one too long to add, never comes. */
    public static long deadline(long nowNs, long timeoutNs) {
        return timeoutNs < 0 || nowNs + timeoutNs < 0 ? NEVER : nowNs + timeoutNs;
    }
}
