package net.testkit.packetdrill.lang;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import net.testkit.packetdrill.lang.Token.Kind;
import org.jspecify.annotations.Nullable;

/**
 * Cuts a script into tokens; drops blanks and comments and replaces defined symbols. A number's sign belongs to it:
 * {@code -1} is one token, a minus sign before anything else its own.
 */
final class Lexer {
    /** Words with a meaning in the grammar: a definition of the same name does not replace them. */
    private static final Set<String> KEYWORDS = Set.of(
            ("sa_family sin_port sin_addr msg_name msg_iov msg_flags msg_control cmsg_data cmsg_level cmsg_type ee_errno"
                            + " ee_origin ee_type ee_code ee_info ee_data scm_sec scm_nsec fd u32 u64 ptr events revents"
                            + " onoff linger htons ipv4 ipv6 icmp udp gre raw encap psp spi mpls label tc ttl inet_addr"
                            + " inet6_addr ack eol ecr mss mtu nop sack sackOK md5 TS FO FOEXP ECN e0b e1b ceb tos"
                            + " flowlabel val win urg wscale ect01 ect0 ect1 noecn ce id")
                    .split(" "));

    private static final Pattern IPV4 = Pattern.compile("\\d+\\.\\d+\\.\\d+\\.\\d+(?:/\\d+)?");
    private static final Pattern IPV6 =
            Pattern.compile("[0-9a-fA-F:]*::[0-9a-fA-F:.]*|(?:[0-9a-fA-F]{1,4}:){7}[0-9a-fA-F]{1,4}");
    private static final Pattern FLOAT = Pattern.compile("-?\\d*\\.\\d+");
    private static final Pattern INT = Pattern.compile("-?\\d+");
    private static final Pattern WORD = Pattern.compile("\\w+");
    private static final Pattern HEX = Pattern.compile("0x[0-9a-fA-F]+");
    private static final Pattern OPTION = Pattern.compile("--(\\w+(?:=(?:[^\\s\"`]|\"[^\"\\n]*\"|`[^`\\n]*`)*)?)");

    private final String path;
    private final String text;
    private final Map<String, String> defines;
    private final List<Token> tokens = new ArrayList<>();
    private int at;
    private int line = 1;
    private int lineStart;

    private Lexer(String path, String text, Map<String, String> defines) {
        this.path = path;
        this.text = text;
        this.defines = defines;
    }

    /** All tokens, the last of kind EOF. */
    static List<Token> tokens(String path, String text, Map<String, String> defines) throws ScriptException {
        Lexer l = new Lexer(path, text, defines);
        l.run();
        return l.tokens;
    }

    private void run() throws ScriptException {
        while (at < text.length()) {
            char c = text.charAt(at);
            if (c == '\n') {
                newLine(at);
                at++;
            } else if (Character.isWhitespace(c)) {
                at++;
            } else if (text.startsWith("//", at)) {
                int end = text.indexOf('\n', at);
                at = end < 0 ? text.length() : end;
            } else if (text.startsWith("/*", at)) {
                delimited("/*", "*/", null);
            } else if (text.startsWith("%{", at)) {
                delimited("%{", "}%", Kind.CODE);
            } else if (c == '"') {
                quoted('"', Kind.STRING);
            } else if (c == '`') {
                quoted('`', Kind.BACK_QUOTED);
            } else if (text.startsWith("...", at)) {
                add(Kind.ELLIPSIS, "...", at + 3);
            } else {
                plain();
            }
        }
        add(Kind.EOF, "", at);
    }

    private void plain() {
        if (match(OPTION, Kind.OPTION, 1)) {
            return;
        }
        int best = at;
        Kind kind = Kind.CHAR;
        int[] ends = {end(IPV4), end(IPV6), end(FLOAT), end(INT), end(HEX), end(WORD)};
        Kind[] kinds = {Kind.IPV4, Kind.IPV6, Kind.FLOAT, Kind.INT, Kind.HEX, Kind.WORD};
        for (int i = 0; i < ends.length; i++) {
            if (ends[i] > best) {
                best = ends[i];
                kind = kinds[i];
            }
        }
        if (best == at) {
            add(Kind.CHAR, text.substring(at, at + 1), at + 1);
        } else if (kind == Kind.WORD) {
            word(best);
        } else {
            add(kind, text.substring(at, best), best);
        }
    }

    /** A word, or what it is defined to be. */
    private void word(int end) {
        String word = text.substring(at, end);
        String value = KEYWORDS.contains(word) ? null : defines.get(word);
        if (value == null) {
            add(Kind.WORD, word, end);
        } else if (value.length() >= 2 && (value.startsWith("\"") || value.startsWith("`"))) {
            add(value.startsWith("`") ? Kind.BACK_QUOTED : Kind.STRING, value.substring(1, value.length() - 1), end);
        } else if (Numbers.parseC(value) instanceof Long number) {
            add(Kind.INT, Long.toString(number), end);
        } else {
            add(Kind.WORD, value, end);
        }
    }

    private boolean match(Pattern p, Kind kind, int group) {
        Matcher m = p.matcher(text).region(at, text.length());
        if (!m.lookingAt()) {
            return false;
        }
        add(kind, m.group(group), m.end());
        return true;
    }

    private int end(Pattern p) {
        Matcher m = p.matcher(text).region(at, text.length());
        return m.lookingAt() ? m.end() : -1;
    }

    /** From one delimiter to the next closing one; adds a token unless {@code kind} is null. */
    private void delimited(String open, String close, @Nullable Kind kind) throws ScriptException {
        int end = text.indexOf(close, at + open.length());
        if (end < 0) {
            throw error("'" + open + "' is never closed by '" + close + "'");
        }
        if (kind != null) {
            token(kind, text.substring(at + open.length(), end), end + close.length());
        }
        countLines(end + close.length());
    }

    private void quoted(char quote, Kind kind) throws ScriptException {
        int end = at + 1;
        while (end < text.length() && text.charAt(end) != quote) {
            end += text.charAt(end) == '\\' ? 2 : 1;
        }
        if (end >= text.length()) {
            throw error(quote == '"' ? "a string is never closed" : "a `command is never closed");
        }
        token(kind, text.substring(at + 1, end), end + 1);
        countLines(end + 1);
    }

    private void add(Kind kind, String tokenText, int end) {
        token(kind, tokenText, end);
        at = end;
    }

    private void token(Kind kind, String tokenText, int end) {
        tokens.add(new Token(kind, tokenText, line, at - lineStart + 1, at, end));
    }

    private void countLines(int end) {
        for (int i = at; i < end; i++) {
            if (text.charAt(i) == '\n') {
                newLine(i);
            }
        }
        at = end;
    }

    private void newLine(int newlineAt) {
        line++;
        lineStart = newlineAt + 1;
    }

    private ScriptException error(String what) {
        return new ScriptException(path, line, at - lineStart + 1, what);
    }
}
