package net.testkit;

import java.util.Arrays;
import java.util.SplittableRandom;

/** Damages frames from a seed, as a fuzzer does: bits, bytes, words, lengths; some with their checksums made right again. */
public final class FrameMutator {
    private static final int[] NASTY = {0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0xfffe};

    private final SplittableRandom random;

    public FrameMutator(SplittableRandom random) {
        this.random = random;
    }

    /** A damaged copy; the Ethernet header mostly stays, so that the frame gets somewhere. */
    public byte[] mutate(byte[] frame) {
        byte[] f = frame.clone();
        for (int n = 1 + random.nextInt(3); n > 0 && f.length > 0; n--) {
            f = once(f);
        }
        if (random.nextInt(10) < 7) {
            Frames.fixChecksums(f);
        }
        return f;
    }

    private byte[] once(byte[] f) {
        // Headers are worth more damage than payload.
        int from = f.length > 14 && random.nextInt(20) != 0 ? 14 : 0;
        int reach = random.nextInt(4) == 0 ? f.length : Math.min(f.length, 74);
        int at = from + random.nextInt(Math.max(1, reach - from));
        switch (random.nextInt(8)) {
            case 0, 1 -> f[at] ^= (byte) (1 << random.nextInt(8));
            case 2 -> f[at] = (byte) random.nextInt(256);
            case 3 -> f[at] = (byte) NASTY[random.nextInt(NASTY.length)];
            case 4 -> {
                if (at + 1 < f.length) {
                    Wires.be16(f, at, NASTY[random.nextInt(NASTY.length)]);
                }
            }
            case 5 -> {
                // Not below a link header: no driver passes that on.
                return f.length <= 14 ? f : Arrays.copyOf(f, 14 + random.nextInt(f.length - 13));
            }
            case 6 -> {
                byte[] longer = Arrays.copyOf(f, Math.min(4000, f.length + random.nextInt(200)));
                for (int i = f.length; i < longer.length; i++) {
                    longer[i] = (byte) random.nextInt(256);
                }
                return longer;
            }
            default -> {
                for (int i = at; i < Math.min(f.length, at + 1 + random.nextInt(16)); i++) {
                    f[i] = (byte) random.nextInt(256);
                }
            }
        }
        return f;
    }

    /** A frame of nothing but noise; half of them with a plausible Ethernet header. */
    public byte[] noise(byte[] dst, byte[] src) {
        byte[] f = new byte[14 + random.nextInt(200)];
        random.nextBytes(f);
        if (random.nextBoolean()) {
            System.arraycopy(dst, 0, f, 0, 6);
            System.arraycopy(src, 0, f, 6, 6);
            Wires.be16(f, 12, random.nextBoolean() ? Frames.ETH_P_IP : Frames.ETH_P_ARP);
            if (f.length > 34 && random.nextBoolean()) {
                f[14] = 0x45;
                Wires.be16(f, 16, f.length - 14);
                Frames.fixChecksums(f);
            }
        }
        return f;
    }
}
