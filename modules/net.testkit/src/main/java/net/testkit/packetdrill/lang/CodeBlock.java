package net.testkit.packetdrill.lang;

import java.util.ArrayList;
import java.util.List;
import net.testkit.packetdrill.lang.CodeLexer.Tok;
import org.jspecify.annotations.Nullable;

/**
 * The part of Python that code blocks use, read into statements: {@code assert test[, message]}, {@code name = value},
 * {@code name += value}, {@code print(...)}, with chained comparisons, {@code and or not}, integer arithmetic and
 * {@code %} on strings. Values are {@code Long}, {@code String} and tuples of them ({@code List}).
 */
public final class CodeBlock {
    /** One value of an expression. */
    interface Node {
        Object eval(CodeEnv env) throws CodeException;
    }

    /** One statement. */
    interface Statement {
        void run(CodeEnv env) throws CodeException;
    }

    private final List<Tok> tokens;
    private final List<Statement> statements = new ArrayList<>();
    private int at;

    private CodeBlock(List<Tok> tokens) {
        this.tokens = tokens;
    }

    /** Reads a block without running it. */
    public static CodeBlock parse(Code code) throws CodeException {
        CodeBlock block = new CodeBlock(CodeLexer.tokens(code));
        while (block.at < block.tokens.size()) {
            if (block.peek().kind() == Tok.END) {
                block.at++;
            } else {
                block.statements.add(block.statement());
                if (block.peek().kind() != Tok.END) {
                    throw block.unexpected();
                }
            }
        }
        return block;
    }

    /** Runs the statements; the first assertion that fails ends it. */
    void run(CodeEnv env) throws CodeException {
        for (Statement s : statements) {
            s.run(env);
        }
    }

    private Statement statement() throws CodeException {
        Tok first = peek();
        if (take("assert")) {
            int from = at;
            Node test = test();
            String source = source(from, at);
            Node message = take(",") ? test() : null;
            return env -> assertTrue(env, first.line(), source, test, message);
        }
        if (take("pass")) {
            return env -> {};
        }
        String operator = first.kind() == Tok.NAME ? tokens.get(at + 1).text() : "";
        if (operator.equals("=") || operator.equals("+=") || operator.equals("-=")) {
            at += 2;
            Node value = test();
            String name = first.text();
            return env -> env.assign(first.line(), name, operator, value.eval(env));
        }
        boolean call = first.kind() == Tok.NAME && tokens.get(at + 1).is("(");
        Node value = test();
        if (!call) {
            throw new CodeException(first.line(), "code block: a value alone has no effect; is 'assert' missing?");
        }
        return value::eval;
    }

    private static void assertTrue(CodeEnv env, int line, String source, Node test, @Nullable Node message)
            throws CodeException {
        Object value = test.eval(env);
        if (!(value instanceof Long)) {
            throw new CodeException(line, "assert of " + CodeValues.text(value) + " holds whatever the numbers are");
        }
        if (!CodeValues.truth(value)) {
            String said = message == null ? "" : ": " + CodeValues.text(message.eval(env));
            throw new CodeException(line, "assert " + source + said);
        }
    }

    private String source(int from, int to) {
        StringBuilder s = new StringBuilder();
        for (Tok t : tokens.subList(from, to)) {
            boolean tight = s.isEmpty() || s.charAt(s.length() - 1) == '(' || t.is(")");
            s.append(tight ? "" : " ").append(t.kind() == Tok.STRING ? "'" + t.text() + "'" : t.text());
        }
        return s.toString();
    }

    // ---- expressions, loosest first

    private Node test() throws CodeException {
        Node left = and();
        while (take("or")) {
            Node l = left;
            Node r = and();
            left = env -> {
                Object value = l.eval(env);
                return CodeValues.truth(value) ? value : r.eval(env);
            };
        }
        return left;
    }

    private Node and() throws CodeException {
        Node left = not();
        while (take("and")) {
            Node l = left;
            Node r = not();
            left = env -> {
                Object value = l.eval(env);
                return CodeValues.truth(value) ? r.eval(env) : value;
            };
        }
        return left;
    }

    private Node not() throws CodeException {
        if (take("not")) {
            Node n = not();
            return env -> CodeValues.truth(n.eval(env)) ? 0L : 1L;
        }
        return comparison();
    }

    /** {@code a <= b <= c} holds if each pair does. */
    private Node comparison() throws CodeException {
        List<Node> operands = new ArrayList<>(List.of(binary(0)));
        List<String> operators = new ArrayList<>();
        int line = peek().line();
        while (peek().kind() == Tok.SIGN
                && List.of("==", "!=", "<", "<=", ">", ">=").contains(peek().text())) {
            operators.add(next().text());
            operands.add(binary(0));
        }
        if (operators.isEmpty()) {
            return operands.get(0);
        }
        return env -> {
            Object left = operands.get(0).eval(env);
            for (int i = 0; i < operators.size(); i++) {
                Object right = operands.get(i + 1).eval(env);
                if (!CodeValues.compare(line, operators.get(i), left, right)) {
                    return 0L;
                }
                left = right;
            }
            return 1L;
        };
    }

    private static final List<List<String>> LEVELS = List.of(
            List.of("|"), List.of("^"), List.of("&"), List.of("<<", ">>"), List.of("+", "-"), List.of("*", "//", "%"));

    private Node binary(int level) throws CodeException {
        if (level == LEVELS.size()) {
            return unary();
        }
        Node left = binary(level + 1);
        while (peek().kind() == Tok.SIGN && LEVELS.get(level).contains(peek().text())) {
            Tok operator = next();
            Node l = left;
            Node r = binary(level + 1);
            left = env -> CodeValues.apply(operator.line(), operator.text(), l.eval(env), r.eval(env));
        }
        return left;
    }

    private Node unary() throws CodeException {
        int line = peek().line();
        if (take("-")) {
            Node n = unary();
            return env -> -CodeValues.number(line, n.eval(env));
        }
        if (take("~")) {
            Node n = unary();
            return env -> ~CodeValues.number(line, n.eval(env));
        }
        return atom();
    }

    private Node atom() throws CodeException {
        Tok t = next();
        switch (t.kind()) {
            case Tok.NUMBER -> {
                Long value = Numbers.parseC(t.text());
                if (value == null) {
                    throw new CodeException(t.line(), t.text() + " is no number");
                }
                return env -> value;
            }
            case Tok.STRING -> {
                return env -> t.text();
            }
            case Tok.NAME -> {
                if (take("(")) {
                    List<Node> args = list();
                    return env -> env.call(t.line(), t.text(), values(args, env));
                }
                return env -> env.value(t.line(), t.text());
            }
            default -> {
                if (!t.is("(")) {
                    at--;
                    throw unexpected();
                }
                boolean[] comma = new boolean[1];
                List<Node> items = list(comma);
                return items.size() == 1 && !comma[0] ? items.get(0) : env -> values(items, env);
            }
        }
    }

    private static List<Object> values(List<Node> nodes, CodeEnv env) throws CodeException {
        List<Object> values = new ArrayList<>();
        for (Node n : nodes) {
            values.add(n.eval(env));
        }
        return values;
    }

    private List<Node> list() throws CodeException {
        return list(new boolean[1]);
    }

    /** Up to the closing parenthesis. @param comma set if there was a comma: even one item is a tuple then */
    private List<Node> list(boolean[] comma) throws CodeException {
        List<Node> items = new ArrayList<>();
        while (!take(")")) {
            items.add(test());
            if (take(",")) {
                comma[0] = true;
            } else if (!peek().is(")")) {
                throw unexpected();
            }
        }
        return items;
    }

    private Tok peek() {
        return tokens.get(at);
    }

    private Tok next() {
        return tokens.get(at++);
    }

    private boolean take(String text) {
        if (peek().is(text)) {
            at++;
            return true;
        }
        return false;
    }

    private CodeException unexpected() {
        Tok t = peek();
        String found = t.kind() == Tok.END ? "the statement's end" : "'" + t.text() + "'";
        return new CodeException(t.line(), "code block: did not expect " + found + " here");
    }
}
