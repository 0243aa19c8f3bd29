package net.testkit;

import java.util.Locale;
import java.util.SplittableRandom;
import net.core.UserError;

/**
 * Decides from a seed what happens to each frame: lost, sent twice, held back behind later ones, one bit flipped,
 * delayed. The same seed and the same frames give the same faults. It touches no frame itself.
 *
 * <p>Context: one user at a time, the holder of the decorated queue.
 */
public final class FaultPlan {
    /** What may happen to a frame, each with its probability from 0 to 1; delay and jitter in nanoseconds. */
    public record Rates(double loss, double reorder, double duplicate, double corrupt, long delayNs, long jitterNs) {
        public static final Rates NONE = new Rates(0, 0, 0, 0, 0, 0);

        public Rates {
            for (double p : new double[] {loss, reorder, duplicate, corrupt}) {
                if (!(p >= 0 && p <= 1)) {
                    throw new UserError("fault rate " + p + ": want 0 to 1, or 0% to 100%");
                }
            }
        }

        /** Loss, reordering, duplication and corruption without delay. */
        public static Rates of(double loss, double reorder, double duplicate, double corrupt) {
            return new Rates(loss, reorder, duplicate, corrupt, 0, 0);
        }

        /** Whether nothing ever happens to a frame. */
        public boolean isNone() {
            return equals(NONE);
        }

        /** Parses words such as {@code loss=2%,reorder=2%,dup=1%,corrupt=1%,delay=10ms,jitter=2ms}. */
        public static Rates parse(String text) {
            double loss = 0;
            double reorder = 0;
            double duplicate = 0;
            double corrupt = 0;
            long delay = 0;
            long jitter = 0;
            for (String word : text.trim().split("[,\\s]+")) {
                String[] kv = word.split("=", 2);
                if (kv.length != 2) {
                    throw bad(word);
                }
                switch (kv[0].toLowerCase(Locale.ROOT)) {
                    case "loss" -> loss = probability(word, kv[1]);
                    case "reorder" -> reorder = probability(word, kv[1]);
                    case "dup", "duplicate" -> duplicate = probability(word, kv[1]);
                    case "corrupt" -> corrupt = probability(word, kv[1]);
                    case "delay" -> delay = duration(word, kv[1]);
                    case "jitter" -> jitter = duration(word, kv[1]);
                    default -> throw bad(word);
                }
            }
            return new Rates(loss, reorder, duplicate, corrupt, delay, jitter);
        }

        private static double probability(String word, String value) {
            try {
                return value.endsWith("%")
                        ? Double.parseDouble(value.substring(0, value.length() - 1)) / 100
                        : Double.parseDouble(value);
            } catch (NumberFormatException e) {
                throw bad(word);
            }
        }

        private static long duration(String word, String value) {
            String[] units = {"ns", "us", "ms", "s"};
            long[] scale = {1, 1_000, 1_000_000, 1_000_000_000};
            try {
                for (int i = 0; i < units.length; i++) {
                    if (value.endsWith(units[i])) {
                        String number = value.substring(0, value.length() - units[i].length());
                        return (long) (Double.parseDouble(number) * scale[i]);
                    }
                }
            } catch (NumberFormatException e) {
                throw bad(word);
            }
            throw bad(word);
        }

        private static UserError bad(String word) {
            return new UserError(
                    "faults: '" + word
                            + "': want loss=P reorder=P dup=P corrupt=P (P such as 2% or 0.02) delay=T jitter=T (such as 10ms)");
        }
    }

    private final SplittableRandom random;
    private final Rates rates;

    /** Frames seen, and what was done to them. */
    public long frames;

    public long lost;
    public long reordered;
    public long duplicated;
    public long corrupted;

    public FaultPlan(long seed, Rates rates) {
        random = new SplittableRandom(seed);
        this.rates = rates;
    }

    /** Starts the decision on a frame; ask the others afterwards, in the order they stand here. */
    public boolean loses() {
        frames++;
        if (hit(rates.loss())) {
            lost++;
            return true;
        }
        return false;
    }

    public boolean duplicates() {
        if (hit(rates.duplicate())) {
            duplicated++;
            return true;
        }
        return false;
    }

    /** The bit to flip, counted from the first byte after the Ethernet header; -1: none. */
    public int corruptBit(int frameBytes) {
        if (frameBytes > 14 && hit(rates.corrupt())) {
            corrupted++;
            return random.nextInt((frameBytes - 14) * 8);
        }
        return -1;
    }

    /** How many later frames overtake this one, 0: none. */
    public int overtakenBy() {
        if (hit(rates.reorder())) {
            reordered++;
            return 1 + random.nextInt(3);
        }
        return 0;
    }

    /** How long this frame is on its way, nanoseconds. */
    public long delayNs() {
        return rates.delayNs() + (rates.jitterNs() == 0 ? 0 : random.nextLong(rates.jitterNs()));
    }

    /** Whether frames take any time at all. */
    public boolean delays() {
        return rates.delayNs() != 0 || rates.jitterNs() != 0;
    }

    private boolean hit(double p) {
        return p > 0 && random.nextDouble() < p;
    }

    @Override
    public String toString() {
        return frames + " frames: " + lost + " lost, " + reordered + " reordered, " + duplicated + " duplicated, "
                + corrupted + " corrupted";
    }
}
