package net.sched.cls.u32;

import net.sched.cls.ClsWords;

/**
 * Handles {@code table:bucket:node}, hexadecimal, in 12, 8 and 12 bits.
 *
 * <p>Linux: TC_U32_HTID() and its like; get_u32_handle(), sprint_u32_handle(), iproute2
 */
final class U32Handle {
    /** Stands for the root table of a preference. */
    static final int ROOT = 0xFFF00000;
    /** The greatest node number. */
    static final int MAX_NODE = 0xFFF;

    private static final int TABLE_SHIFT = 20;
    private static final int BUCKET_SHIFT = 12;

    private U32Handle() {}

    static int table(int h) {
        return h & 0xFFF00000;
    }

    static int bucket(int h) {
        return h >>> BUCKET_SHIFT & 0xFF;
    }

    static int node(int h) {
        return h & MAX_NODE;
    }

    /** Bucket and node: 0 for a table's handle. Linux: TC_U32_KEY() */
    static int key(int h) {
        return h & 0xFFFFF;
    }

    static int make(int table, int bucket, int node) {
        return table & 0xFFF00000 | bucket << BUCKET_SHIFT | node;
    }

    /** Reads one; -1 if it is none. */
    static long parse(String s) {
        String[] parts = s.split(":", -1);
        if (parts.length == 1) {
            return s.startsWith("0x") ? ClsWords.unsigned(s, 16) : -1;
        }
        if (parts.length > 3) {
            return -1;
        }
        long table = part(parts[0], 0x1000);
        long bucket = part(parts[1], 0x100);
        long node = parts.length < 3 ? 0 : part(parts[2], 0x1000);
        return table < 0 || bucket < 0 || node < 0 ? -1 : table << TABLE_SHIFT | bucket << BUCKET_SHIFT | node;
    }

    private static long part(String s, int end) {
        long v = s.isEmpty() ? 0 : ClsWords.unsigned(s, 16);
        return v < end ? v : -1;
    }

    /** {@code 800:}, {@code 800::801}, {@code 2:7b:800}. */
    static String format(int h) {
        if (h == 0) {
            return "none";
        }
        StringBuilder b = new StringBuilder(12);
        if (table(h) != 0) {
            b.append(Integer.toHexString(h >>> TABLE_SHIFT)).append(':');
        }
        if (bucket(h) != 0) {
            b.append(Integer.toHexString(bucket(h)));
        }
        if (node(h) != 0) {
            b.append(':').append(Integer.toHexString(node(h)));
        }
        return b.toString();
    }
}
