package net.testkit.packetdrill.lang;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Cuts a code block into tokens; joins continued lines and drops comments. */
final class CodeLexer {
    /** @param line of the script */
    record Tok(char kind, String text, int line) {
        static final char NUMBER = 'n';
        static final char STRING = 's';
        static final char NAME = 'i';
        static final char SIGN = 'c';
        /** The end of a statement: a line's end or a semicolon. */
        static final char END = ';';

        boolean is(String sign) {
            return (kind == SIGN || kind == NAME) && text.equals(sign);
        }
    }

    private static final Pattern TOKEN = Pattern.compile("(?<blank>[ \\t\\r]+|\\\\[ \\t]*(?:\\r?\\n|$)|#[^\\n]*)"
            + "|(?<end>[\\n;])"
            + "|(?<number>0[xX][0-9a-fA-F]+|\\d+)"
            + "|(?<name>[A-Za-z_]\\w*)"
            + "|(?<string>'(?:\\\\.|[^'\\\\\\n])*'|\"(?:\\\\.|[^\"\\\\\\n])*\")"
            + "|(?<sign><<|>>|<=|>=|==|!=|\\+=|-=|//|[-+*%&|^~()<>=,])");

    private CodeLexer() {}

    static List<Tok> tokens(Code code) throws CodeException {
        List<Tok> tokens = new ArrayList<>();
        Matcher m = TOKEN.matcher(code.text());
        int line = code.line();
        int at = 0;
        int depth = 0;
        while (at < code.text().length()) {
            m.region(at, code.text().length());
            if (!m.lookingAt()) {
                throw new CodeException(line, "'" + code.text().charAt(at) + "' has no meaning in a code block");
            }
            String text = m.group();
            if (m.group("sign") != null) {
                depth += text.equals("(") ? 1 : text.equals(")") ? -1 : 0;
                tokens.add(new Tok(Tok.SIGN, text, line));
            } else if (m.group("number") != null) {
                tokens.add(new Tok(Tok.NUMBER, text, line));
            } else if (m.group("name") != null) {
                tokens.add(new Tok(Tok.NAME, text, line));
            } else if (m.group("string") != null) {
                tokens.add(new Tok(Tok.STRING, text.substring(1, text.length() - 1), line));
            } else if (m.group("end") != null && (depth == 0 || text.equals(";"))) {
                tokens.add(new Tok(Tok.END, text, line));
            }
            line += (int) text.chars().filter(c -> c == '\n').count();
            at = m.end();
        }
        tokens.add(new Tok(Tok.END, "", line));
        return tokens;
    }
}
