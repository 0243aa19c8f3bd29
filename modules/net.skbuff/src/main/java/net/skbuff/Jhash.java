package net.skbuff;

/**
 * Jenkins' lookup3, the quick hash for input that nobody hostile chooses.
 *
 * <p>Linux: include/linux/jhash.h. Bob Jenkins, lookup3.c, 2006, public domain
 */
@HotPath
public final class Jhash {
    private static final int INITVAL = 0xdeadbeef;

    private Jhash() {}

    public static int hash1(int a, int initval) {
        return threeWords(a, 0, 0, initval + INITVAL + (1 << 2));
    }

    public static int hash2(int a, int b, int initval) {
        return threeWords(a, b, 0, initval + INITVAL + (2 << 2));
    }

    public static int hash3(int a, int b, int c, int initval) {
        return threeWords(a, b, c, initval + INITVAL + (3 << 2));
    }

    /** {@code n} words of an array. Linux: jhash2(). */
    public static int hash(int[] words, int n, int initval) {
        int a = INITVAL + (n << 2) + initval;
        int b = a;
        int c = a;
        int i = 0;
        int left = n;
        while (left > 3) {
            a += words[i];
            b += words[i + 1];
            c += words[i + 2];
            a -= c;
            a ^= Integer.rotateLeft(c, 4);
            c += b;
            b -= a;
            b ^= Integer.rotateLeft(a, 6);
            a += c;
            c -= b;
            c ^= Integer.rotateLeft(b, 8);
            b += a;
            a -= c;
            a ^= Integer.rotateLeft(c, 16);
            c += b;
            b -= a;
            b ^= Integer.rotateLeft(a, 19);
            a += c;
            c -= b;
            c ^= Integer.rotateLeft(b, 4);
            b += a;
            left -= 3;
            i += 3;
        }
        if (left == 0) {
            return c;
        }
        if (left == 3) {
            c += words[i + 2];
        }
        if (left >= 2) {
            b += words[i + 1];
        }
        return finish(a + words[i], b, c);
    }

    private static int threeWords(int a, int b, int c, int initval) {
        return finish(a + initval, b + initval, c + initval);
    }

    private static int finish(int x, int y, int z) {
        int a = x;
        int b = y;
        int c = z;
        c ^= b;
        c -= Integer.rotateLeft(b, 14);
        a ^= c;
        a -= Integer.rotateLeft(c, 11);
        b ^= a;
        b -= Integer.rotateLeft(a, 25);
        c ^= b;
        c -= Integer.rotateLeft(b, 16);
        a ^= c;
        a -= Integer.rotateLeft(c, 4);
        b ^= a;
        b -= Integer.rotateLeft(a, 14);
        c ^= b;
        c -= Integer.rotateLeft(b, 24);
        return c;
    }
}
