package net.testkit.packetdrill.lang;

import java.math.BigDecimal;
import java.math.RoundingMode;
import org.jspecify.annotations.Nullable;

/** Numbers as C and scripts write them. */
public final class Numbers {
    private Numbers() {}

    /** Decimal, {@code 0x} hexadecimal or {@code 0} octal with an optional sign, up to unsigned 64 bits; null if it is none. */
    public static @Nullable Long parseC(String text) {
        boolean negative = text.startsWith("-");
        String digits = negative || text.startsWith("+") ? text.substring(1) : text;
        int radix = 10;
        if (digits.startsWith("0x") || digits.startsWith("0X")) {
            radix = 16;
            digits = digits.substring(2);
        } else if (digits.length() > 1 && digits.startsWith("0")) {
            radix = 8;
            digits = digits.substring(1);
        }
        if (digits.isEmpty() || Character.digit(digits.charAt(0), radix) < 0) {
            return null;
        }
        try {
            long n = Long.parseUnsignedLong(digits, radix);
            return negative ? -n : n;
        } catch (NumberFormatException e) {
            return null;
        }
    }

    /** Microseconds of a number of seconds such as {@code .005}; what is finer is cut off. */
    static long usecs(String seconds) {
        return new BigDecimal(seconds)
                .movePointRight(6)
                .setScale(0, RoundingMode.DOWN)
                .longValueExact();
    }
}
