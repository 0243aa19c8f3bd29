package softnet.tools;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * What comes back on a control socket: a line with the exit status, then text up to the end of the stream.
 *
 * @param status 0 if done; the text is then what was asked for, else what is wrong
 */
record ControlAnswer(int status, String text) {
    static ControlAnswer failed(int status, String line) {
        return new ControlAnswer(status, line + "\n");
    }

    ByteBuffer encode() {
        return ByteBuffer.wrap((status + "\n" + text).getBytes(StandardCharsets.UTF_8));
    }

    /** Reads one back; null if it is none. */
    static @org.jspecify.annotations.Nullable ControlAnswer decode(byte[] bytes) {
        String all = new String(bytes, StandardCharsets.UTF_8);
        int end = all.indexOf('\n');
        if (end < 1 || end > 3 || !all.chars().limit(end).allMatch(c -> c >= '0' && c <= '9')) {
            return null;
        }
        return new ControlAnswer(Integer.parseInt(all.substring(0, end)), all.substring(end + 1));
    }
}
