package softnet.tools.http;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * One piece of a file that a request asks for. RFC 9110 14.
 *
 * @param first the first byte
 * @param count how many
 */
public record ByteRange(long first, long count) {
    private static final Pattern ONE = Pattern.compile("bytes=\\s*(\\d{0,18})-(\\d{0,18})\\s*");

    /**
     * Reads a Range field; null for none, and for several ranges or other units, which are answered with the whole file.
     *
     * @throws HttpException 416 for one beyond the end
     */
    public static @Nullable ByteRange of(@Nullable String field, long size) throws HttpException {
        Matcher matcher = ONE.matcher(field == null ? "" : field);
        if (!matcher.matches() || matcher.group(1).isEmpty() && matcher.group(2).isEmpty()) {
            return null;
        }
        if (matcher.group(1).isEmpty()) {
            long last = Long.parseLong(matcher.group(2));
            if (last == 0 || size == 0) {
                throw new HttpException(416, "an empty range");
            }
            return new ByteRange(Math.max(0, size - last), Math.min(last, size));
        }
        long first = Long.parseLong(matcher.group(1));
        long last = matcher.group(2).isEmpty() ? size - 1 : Math.min(size - 1, Long.parseLong(matcher.group(2)));
        if (first >= size) {
            throw new HttpException(416, "a range beyond the end");
        }
        if (last < first) {
            return null;
        }
        return new ByteRange(first, last - first + 1);
    }
}
