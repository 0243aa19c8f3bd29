package net.tcp;

/**
 * The smallest, or the largest, value of a sliding window of time, from its three best samples.
 *
 * <p>Kathleen Nichols' algorithm: keeps the best, second best and third best sample of the window, each younger than
 * the one before. Used for a connection's minimum round trip and BBR's
 * maximum bandwidth; one object serves one of the two.
 *
 * <p><b>Context:</b> its owner's lock.
 *
 * <p>Linux: struct minmax, lib/win_minmax.c
 */
public final class MinMax {
    private int t0;
    private int v0;
    private int t1;
    private int v1;
    private int t2;
    private int v2;

    /** The minimum, or maximum, now. */
    public int get() {
        return v0;
    }

    /** Starts the window with one sample. */
    public int reset(int time, int value) {
        t0 = t1 = t2 = time;
        v0 = v1 = v2 = value;
        return value;
    }

    /** Takes a sample in at {@code time} and returns the minimum of the last {@code window} units of time. */
    public int runningMin(int window, int time, int value) {
        if (Integer.compareUnsigned(value, v0) <= 0 || Integer.compareUnsigned(time - t2, window) > 0) {
            return reset(time, value); // a new minimum, or nothing left in the window
        }
        if (Integer.compareUnsigned(value, v1) <= 0) {
            t1 = t2 = time;
            v1 = v2 = value;
        } else if (Integer.compareUnsigned(value, v2) <= 0) {
            t2 = time;
            v2 = value;
        }
        return age(window, time, value);
    }

    /** Takes a sample in and returns the maximum of the last {@code window} units of time. */
    public int runningMax(int window, int time, int value) {
        if (Integer.compareUnsigned(value, v0) >= 0 || Integer.compareUnsigned(time - t2, window) > 0) {
            return reset(time, value);
        }
        if (Integer.compareUnsigned(value, v1) >= 0) {
            t1 = t2 = time;
            v1 = v2 = value;
        } else if (Integer.compareUnsigned(value, v2) >= 0) {
            t2 = time;
            v2 = value;
        }
        return age(window, time, value);
    }

    private int age(int window, int time, int value) {
        int dt = time - t0;
        if (Integer.compareUnsigned(dt, window) > 0) { // the best is too old: the second takes its place
            promote(time, value);
            if (Integer.compareUnsigned(time - t0, window) > 0) {
                promote(time, value);
            }
        } else if (t1 == t0 && Integer.compareUnsigned(dt, window / 4) > 0) {
            t1 = t2 = time; // a quarter passed without a second choice: take this one
            v1 = v2 = value;
        } else if (t2 == t1 && Integer.compareUnsigned(dt, window / 2) > 0) {
            t2 = time;
            v2 = value;
        }
        return v0;
    }

    private void promote(int time, int value) {
        t0 = t1;
        v0 = v1;
        t1 = t2;
        v1 = v2;
        t2 = time;
        v2 = value;
    }
}
