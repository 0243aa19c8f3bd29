package drivers.tapnic;

import java.util.Locale;
import net.core.UserError;

/**
 * A card described in one word: {@code rx-ring=512,tx-ring=512,rx-usecs=20,rate=1gbit}. Names are those of {@code ethtool
 * -G} and {@code -C}, then those of the modelled wire.
 *
 * <pre>
 *  rx-ring, tx-ring                descriptors, a power of two from 64 to 4096
 *  rx-usecs, rx-frames             when arrivals interrupt
 *  tx-usecs, tx-frames             when completions interrupt
 *  copybreak                       frames of at most so many bytes are copied
 *  rate                            of the wire: 10mbit, 1gbit; 0: unlimited
 *  overhead                        bytes of preamble, gap and CRC around a frame
 *  completion-delay                from the last bit to the write-back: 500ns, 20us, 1ms
 *  pause=on|off                    IEEE 802.3x flow control
 *  fcs=on|off                      frames carry a CRC-32, and no offloads
 * </pre>
 */
public final class NicSpec {
    /** For usage texts. */
    public static final String GRAMMAR =
            "rx-ring=N,tx-ring=N,rx-usecs=N,rx-frames=N,tx-usecs=N,tx-frames=N,copybreak=N,"
                    + "rate=RATE,overhead=BYTES,completion-delay=TIME,pause=on|off,fcs=on|off";

    private static final int MAX_COPYBREAK = 1024;
    private static final int MAX_OVERHEAD = 4096;
    private static final long MAX_DELAY_NS = 1_000_000_000L;

    private final String spec;
    private int txRing;
    private int rxRing;
    private int copybreak;
    private int rxUsecs;
    private int rxFrames;
    private int txUsecs;
    private int txFrames;
    private long rate;
    private int overhead;
    private long delayNs;
    private boolean pause;
    private boolean fcs;

    private NicSpec(String spec, TapNic.Settings base) {
        this.spec = spec;
        txRing = base.txRing();
        rxRing = base.rxRing();
        copybreak = base.copybreak();
        rxUsecs = base.coalescing().rxUsecs();
        rxFrames = base.coalescing().rxFrames();
        txUsecs = base.coalescing().txUsecs();
        txFrames = base.coalescing().txFrames();
        rate = base.model().bitsPerSecond();
        overhead = base.model().overheadBytes();
        delayNs = base.model().completionDelayNs();
        pause = base.model().pause();
        fcs = base.model().fcs();
    }

    /**
     * A card as {@code base} but for what {@code spec} names.
     *
     * @throws UserError for a word that is not understood
     */
    public static TapNic.Settings parse(String spec, TapNic.Settings base) {
        NicSpec s = new NicSpec(spec, base);
        for (String word : spec.split(",", -1)) {
            s.word(word);
        }
        String wrong = Coalescing.problem(s.rxUsecs, s.rxFrames, s.txUsecs, s.txFrames);
        if (wrong != null) {
            throw new UserError("nic " + spec + ": " + wrong);
        }
        return new TapNic.Settings(
                s.txRing,
                s.rxRing,
                pageRingFor(s.rxRing),
                s.copybreak,
                base.offload() && !s.fcs,
                new WireModel(s.rate, s.delayNs, s.pause, s.overhead, s.fcs),
                new Coalescing(s.rxUsecs, s.rxFrames, s.txUsecs, s.txFrames));
    }

    /** All of it, in the same words. */
    public static String describe(TapNic.Settings s) {
        Coalescing c = s.coalescing();
        WireModel m = s.model();
        return "rx-ring=" + s.rxRing() + ",tx-ring=" + s.txRing() + ",rx-usecs=" + c.rxUsecs() + ",rx-frames="
                + c.rxFrames() + ",tx-usecs=" + c.txUsecs() + ",tx-frames=" + c.txFrames() + ",copybreak="
                + s.copybreak() + ",rate=" + rateText(m.bitsPerSecond()) + ",overhead=" + m.overheadBytes()
                + ",completion-delay=" + m.completionDelayNs() + "ns,pause=" + (m.pause() ? "on" : "off") + ",fcs="
                + (m.fcs() ? "on" : "off");
    }

    static boolean isRing(int size) {
        return size >= TapNic.MIN_RING && size <= TapNic.MAX_RING && Integer.bitCount(size) == 1;
    }

    /** Pages for a ring's longest frames: a quarter, as most frames need none. */
    static int pageRingFor(int rxRing) {
        return Math.max(64, rxRing / 4);
    }

    private void word(String word) {
        int equals = word.indexOf('=');
        if (equals < 0) {
            throw wrong(word, "want NAME=VALUE, of " + GRAMMAR);
        }
        String value = word.substring(equals + 1);
        switch (word.substring(0, equals)) {
            case "rx-ring" -> rxRing = ring(word, value);
            case "tx-ring" -> txRing = ring(word, value);
            case "rx-usecs" -> rxUsecs = number(word, value, Coalescing.MAX_USECS);
            case "rx-frames" -> rxFrames = number(word, value, TapNic.MAX_RING);
            case "tx-usecs" -> txUsecs = number(word, value, Coalescing.MAX_USECS);
            case "tx-frames" -> txFrames = number(word, value, TapNic.MAX_RING);
            case "copybreak" -> copybreak = number(word, value, MAX_COPYBREAK);
            case "overhead" -> overhead = number(word, value, MAX_OVERHEAD);
            case "rate" -> rate = rate(word, value);
            case "completion-delay" -> delayNs = time(word, value);
            case "pause" -> pause = flag(word, value);
            case "fcs" -> fcs = flag(word, value);
            default -> throw wrong(word, "want one of " + GRAMMAR);
        }
    }

    private UserError wrong(String word, String want) {
        return new UserError("nic " + (spec.equals(word) ? "" : spec + ": ") + "'" + word + "': " + want);
    }

    private int ring(String word, String value) {
        int size = number(word, value, TapNic.MAX_RING);
        if (!isRing(size)) {
            throw wrong(word, "want a power of two from " + TapNic.MIN_RING + " to " + TapNic.MAX_RING);
        }
        return size;
    }

    private int number(String word, String value, int max) {
        try {
            int n = Integer.parseInt(value);
            if (n >= 0 && n <= max) {
                return n;
            }
        } catch (NumberFormatException e) {
            // Said below.
        }
        throw wrong(word, "want a number from 0 to " + max);
    }

    private boolean flag(String word, String value) {
        return switch (value) {
            case "on" -> true;
            case "off" -> false;
            default -> throw wrong(word, "want on or off");
        };
    }

    /** As tc reads them: bits per second, with kbit, mbit or gbit. */
    private long rate(String word, String value) {
        String v = value.toLowerCase(Locale.ROOT);
        long unit =
                v.endsWith("gbit") ? 1_000_000_000L : v.endsWith("mbit") ? 1_000_000L : v.endsWith("kbit") ? 1_000L : 1;
        String digits = v.replaceFirst("[kmg]?bit$", "");
        double n = decimal(digits);
        if (n * unit <= 1e12 && (n == 0 || n * unit >= 1)) {
            return Math.round(n * unit);
        }
        throw wrong(word, "want a rate such as 10mbit or 1gbit, at most 1000gbit, or 0 for none");
    }

    private long time(String word, String value) {
        long unit = value.endsWith("ns") ? 1 : value.endsWith("us") ? 1_000L : value.endsWith("ms") ? 1_000_000L : 0;
        double n = decimal(unit == 0 ? "0".equals(value) ? "0" : "" : value.substring(0, value.length() - 2));
        if (n * Math.max(1, unit) <= MAX_DELAY_NS) {
            return Math.round(n * Math.max(1, unit));
        }
        throw wrong(word, "want a time such as 500ns, 20us or 1ms, at most 1000ms");
    }

    /** NaN, which no comparison holds for, if it is none. */
    private static double decimal(String text) {
        return text.matches("[0-9]{1,12}(\\.[0-9]{1,9})?") ? Double.parseDouble(text) : Double.NaN;
    }

    private static String rateText(long rate) {
        if (rate == 0) {
            return "0";
        }
        if (rate % 1_000_000_000L == 0) {
            return rate / 1_000_000_000L + "gbit";
        }
        return rate % 1_000_000L == 0 ? rate / 1_000_000L + "mbit" : rate + "bit";
    }
}
