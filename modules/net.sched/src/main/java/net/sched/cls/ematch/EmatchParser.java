package net.sched.cls.ematch;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import net.core.UserError;
import net.sched.cls.ClsWords;

/**
 * Reads an expression: {@code TERM [and|or EXPR]}, a term being {@code [not] kind(args)} or {@code [not] (EXPR)}. It may be
 * one word of a tc line or many, and ends where it is complete and neither {@code and} nor {@code or} follows.
 *
 * <p>Linux: emp_ematch.l, emp_ematch.y, iproute2
 */
final class EmatchParser {
    private static final int MAX_DEPTH = 32;

    /** A piece of the text: a parenthesis, a word, or what stood in quotes. */
    record Token(String text, boolean quoted) {
        boolean is(String word) {
            return !quoted && text.equalsIgnoreCase(word);
        }

        byte[] bytes() {
            return text.getBytes(StandardCharsets.ISO_8859_1);
        }
    }

    private static final Token END = new Token("", false);

    private final ClsWords in;
    private final List<Token> ahead = new ArrayList<>();

    private EmatchParser(ClsWords in) {
        this.in = in;
    }

    /** Reads the expression behind {@code match}. @throws UserError if it is none */
    static EmatchTree parse(ClsWords in) {
        EmatchParser p = new EmatchParser(in);
        EmatchTree tree = p.row(0);
        if (!p.ahead.isEmpty()) {
            throw error("what stands behind \"" + p.ahead.getFirst().text + "\" belongs to nothing");
        }
        return tree;
    }

    static UserError error(String what) {
        return new UserError("Illegal \"ematch\": " + what
                + "; usage: EXPR := TERM [ { and | or } EXPR ], TERM := [ not ] { MATCH | ( EXPR ) },"
                + " MATCH := cmp|u32|nbyte|meta ( ARGS )");
    }

    private Token peek() {
        if (ahead.isEmpty() && in.more()) {
            split(in.next());
        }
        return ahead.isEmpty() ? END : ahead.getFirst();
    }

    private Token next() {
        Token t = peek();
        if (!ahead.isEmpty()) {
            ahead.removeFirst();
        }
        return t;
    }

    /** Tells whether the row goes on; looks at the next word of the line without taking it. */
    private boolean goesOn() {
        if (!ahead.isEmpty()) {
            return ahead.getFirst().is("and") || ahead.getFirst().is("or");
        }
        String word = in.peek().strip();
        return word.toLowerCase(java.util.Locale.ROOT).matches("(and|or)(\\s.*|\\(.*)?");
    }

    private EmatchTree row(int depth) {
        if (depth > MAX_DEPTH) {
            throw error("too many parentheses");
        }
        List<EmatchTree.Node> nodes = new ArrayList<>();
        while (true) {
            boolean inverted = peek().is("not");
            if (inverted) {
                next();
            }
            Token t = next();
            EmatchTree inner = null;
            Ematch match = null;
            if (t.is("(")) {
                inner = row(depth + 1);
                if (!next().is(")")) {
                    throw error("a parenthesis is not closed");
                }
            } else {
                match = match(t);
            }
            EmatchTree.Relation relation = EmatchTree.Relation.END;
            if (goesOn()) {
                relation = next().is("and") ? EmatchTree.Relation.AND : EmatchTree.Relation.OR;
            }
            nodes.add(new EmatchTree.Node(inverted, match, inner, relation));
            if (relation == EmatchTree.Relation.END) {
                return new EmatchTree(nodes);
            }
        }
    }

    private Ematch match(Token kind) {
        if (kind == END || kind.quoted || kind.is(")") || kind.is("and") || kind.is("or")) {
            throw error("a match is missing");
        }
        if (!next().is("(")) {
            throw error("\"" + kind.text + "\" wants arguments in parentheses");
        }
        List<Token> args = new ArrayList<>();
        while (!peek().is(")")) {
            Token t = next();
            if (t == END || t.is("(")) {
                throw error("a parenthesis is not closed");
            }
            args.add(t);
        }
        next();
        EmatchArgs a = new EmatchArgs(kind.text, args);
        return switch (kind.text) {
            case "cmp" -> EmCmp.parse(a);
            case "u32" -> EmU32.parse(a);
            case "nbyte" -> EmNbyte.parse(a);
            case "meta" -> EmMeta.parse(a);
            default -> throw new UserError("Unknown ematch \"" + kind.text + "\": known are cmp, meta, nbyte, u32");
        };
    }

    /** Splits a word of the line. */
    private void split(String s) {
        int i = 0;
        while (i < s.length()) {
            char c = s.charAt(i);
            if (Character.isWhitespace(c)) {
                i++;
            } else if (c == '(' || c == ')') {
                ahead.add(new Token(String.valueOf(c), false));
                i++;
            } else if (c == '"') {
                i = quoted(s, i + 1);
            } else {
                int from = i;
                while (i < s.length() && " \t()\"".indexOf(s.charAt(i)) < 0) {
                    i++;
                }
                ahead.add(new Token(s.substring(from, i), false));
            }
        }
    }

    /** A C string up to its quote; its characters are bytes. */
    private int quoted(String s, int from) {
        StringBuilder b = new StringBuilder();
        int i = from;
        while (i < s.length() && s.charAt(i) != '"') {
            char c = s.charAt(i++);
            if (c != '\\' || i >= s.length()) {
                for (byte u : String.valueOf(c).getBytes(StandardCharsets.UTF_8)) {
                    b.append((char) (u & 0xFF));
                }
                continue;
            }
            char e = s.charAt(i++);
            int digits = 0;
            int radix = e == 'x' ? 16 : 8;
            int at = e == 'x' ? i : i - 1;
            while (digits < (e == 'x' ? 2 : 3)
                    && at + digits < s.length()
                    && Character.digit(s.charAt(at + digits), radix) >= 0) {
                digits++;
            }
            if (digits > 0) {
                int v = Integer.parseInt(s.substring(at, at + digits), radix);
                if (v > 0xFF) {
                    throw error("octal escape sequence out of range");
                }
                b.append((char) v);
                i = at + digits;
            } else {
                int known = "nrtvbfa".indexOf(e);
                b.append(known < 0 ? e : "\n\r\t\013\b\f\007".charAt(known));
            }
        }
        if (i >= s.length()) {
            throw error("a quote is not closed");
        }
        ahead.add(new Token(b.toString(), true));
        return i + 1;
    }
}
