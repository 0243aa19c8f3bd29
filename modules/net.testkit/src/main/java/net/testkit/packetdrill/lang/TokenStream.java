package net.testkit.packetdrill.lang;

import java.util.List;
import net.testkit.packetdrill.lang.Token.Kind;
import org.jspecify.annotations.Nullable;

/** The tokens of a script with a place in them, and the errors every part of the grammar can make. */
final class TokenStream {
    private final String path;
    private final List<Token> tokens;
    private int at;

    TokenStream(String path, List<Token> tokens) {
        this.path = path;
        this.tokens = tokens;
    }

    Token peek() {
        return tokens.get(at);
    }

    /** The token so many behind the next one. */
    Token peek(int ahead) {
        return tokens.get(Math.min(at + ahead, tokens.size() - 1));
    }

    Token next() {
        Token t = tokens.get(at);
        if (t.kind() != Kind.EOF) {
            at++;
        }
        return t;
    }

    boolean is(Kind kind) {
        return peek().kind() == kind;
    }

    boolean isChar(char c) {
        return peek().isChar(c);
    }

    /** Whether the next token touches the one before it. */
    boolean touches() {
        return at > 0 && tokens.get(at - 1).end() == peek().start();
    }

    boolean take(char c) {
        if (isChar(c)) {
            at++;
            return true;
        }
        return false;
    }

    boolean takeWord(String word) {
        if (peek().isWord(word)) {
            at++;
            return true;
        }
        return false;
    }

    void expect(char c) throws ScriptException {
        if (!take(c)) {
            throw expected("'" + c + "'");
        }
    }

    void expectWord(String word) throws ScriptException {
        if (!takeWord(word)) {
            throw expected("'" + word + "'");
        }
    }

    Token expect(Kind kind, String what) throws ScriptException {
        if (!is(kind)) {
            throw expected(what);
        }
        return next();
    }

    /** A decimal number between bounds. @param what it is, for the message */
    long integer(String what, long min, long max) throws ScriptException {
        Token t = expect(Kind.INT, what);
        return bounded(t, Numbers.parseC(decimal(t.text())), what, min, max);
    }

    /** A hexadecimal number between 0 and a bound. */
    int hex(String what, int max) throws ScriptException {
        Token t = expect(Kind.HEX, what + " as 0x...");
        return (int) bounded(t, Numbers.parseC(t.text()), what, 0, max);
    }

    /** Decimal or hexadecimal. */
    long anyInteger(String what, long min, long max) throws ScriptException {
        Token t = peek();
        if (t.kind() != Kind.INT && t.kind() != Kind.HEX) {
            throw expected(what);
        }
        next();
        return bounded(t, Numbers.parseC(t.kind() == Kind.INT ? decimal(t.text()) : t.text()), what, min, max);
    }

    private long bounded(Token t, @Nullable Long value, String what, long min, long max) throws ScriptException {
        if (value == null || value < min || value > max) {
            throw error(t, what + " " + t.text() + " is not from " + min + " to " + max);
        }
        return value;
    }

    /** Leading zeros are no octal here: {@code 007} is 7. */
    static String decimal(String digits) {
        boolean negative = digits.startsWith("-");
        String d = (negative ? digits.substring(1) : digits).replaceFirst("^0+(?=\\d)", "");
        return negative ? "-" + d : d;
    }

    ScriptException expected(String what) {
        return error(peek(), "expected " + what + ", found " + peek().shown());
    }

    ScriptException error(Token where, String what) {
        return new ScriptException(path, where.line(), where.column(), what);
    }
}
