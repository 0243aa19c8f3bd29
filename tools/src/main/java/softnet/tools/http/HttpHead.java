package softnet.tools.http;

import java.io.EOFException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The first line and the fields of a message. Names are lower case; repeated fields keep all their values.
 *
 * @param start the three words of a request or status line
 * @param fields values by lower-case name
 */
public record HttpHead(List<String> start, Map<String, List<String>> fields) {
    private static final int MAX_FIELDS = 100;

    /**
     * Reads a request's head; null if the connection ended before one began.
     *
     * @throws HttpException for one that cannot be understood
     */
    public static @Nullable HttpHead request(HttpInput in) throws IOException {
        in.beginHead();
        String line = in.line();
        // RFC 9112 2.2: ignore an empty line before the request line.
        if (line != null && line.isEmpty()) {
            line = in.line();
        }
        if (line == null) {
            return null;
        }
        String[] words = line.split(" ", -1);
        if (words.length != 3 || !isToken(words[0]) || words[1].isEmpty()) {
            throw new HttpException(400, "not a request line");
        }
        if (!words[2].matches("HTTP/\\d\\.\\d")) {
            throw new HttpException(400, "not a request line");
        }
        if (!words[2].startsWith("HTTP/1.")) {
            throw new HttpException(505, words[2]);
        }
        HttpHead head = new HttpHead(List.of(words), fields(in));
        if (words[2].equals("HTTP/1.1") && head.values("host").size() != 1) {
            throw new HttpException(400, "one Host field is wanted");
        }
        return head;
    }

    /** Reads a response's head. */
    public static HttpHead response(HttpInput in) throws IOException {
        in.beginHead();
        String line = in.line();
        if (line == null) {
            throw new EOFException("the server closed the connection without an answer");
        }
        String[] words = line.split(" ", 3);
        if (words.length < 2 || !words[0].startsWith("HTTP/1.") || !words[1].matches("\\d{3}")) {
            throw new IOException("not an HTTP answer: " + line);
        }
        return new HttpHead(List.of(words[0], words[1], words.length > 2 ? words[2] : ""), fields(in));
    }

    private static Map<String, List<String>> fields(HttpInput in) throws IOException {
        Map<String, List<String>> fields = new LinkedHashMap<>();
        int count = 0;
        while (true) {
            String line = in.line();
            if (line == null) {
                throw new EOFException("connection closed within a head");
            }
            if (line.isEmpty()) {
                return fields;
            }
            int colon = line.indexOf(':');
            // RFC 9112 5.1 and 5.2: no space before the colon, no folded lines.
            if (colon <= 0 || !isToken(line.substring(0, colon))) {
                throw new HttpException(400, "not a field line");
            }
            if (++count > MAX_FIELDS) {
                throw new HttpException(431, "too many fields");
            }
            String name = line.substring(0, colon).toLowerCase(Locale.ROOT);
            fields.computeIfAbsent(name, n -> new ArrayList<>())
                    .add(line.substring(colon + 1).strip());
        }
    }

    private static boolean isToken(String text) {
        return !text.isEmpty()
                && text.chars()
                        .allMatch(c -> c >= '0' && c <= '9'
                                || c >= 'A' && c <= 'Z'
                                || c >= 'a' && c <= 'z'
                                || "!#$%&'*+-.^_`|~".indexOf(c) >= 0);
    }

    /** The request's method. */
    public String method() {
        return start.get(0);
    }

    /** The request's target. */
    public String target() {
        return start.get(1);
    }

    /** The response's status. */
    public int status() {
        return Integer.parseInt(start.get(1));
    }

    /** All values of a field. */
    public List<String> values(String name) {
        return fields.getOrDefault(name, List.of());
    }

    /** The first value of a field, or null. */
    public @Nullable String value(String name) {
        List<String> all = values(name);
        return all.isEmpty() ? null : all.get(0);
    }

    /** Whether a list field holds {@code word}, in any case. */
    public boolean lists(String name, String word) {
        return values(name).stream()
                .flatMap(v -> List.of(v.split(",")).stream())
                .anyMatch(w -> w.strip().equalsIgnoreCase(word));
    }

    /** Whether the connection stays open after this request. */
    public boolean keepsAlive() {
        return start.get(2).equals("HTTP/1.0") ? lists("connection", "keep-alive") : !lists("connection", "close");
    }
}
