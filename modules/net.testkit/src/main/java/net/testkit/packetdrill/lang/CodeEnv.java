package net.testkit.packetdrill.lang;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Runs a script's code blocks one after another: what one assigns the next can read. A name is a variable, else a field of
 * the snapshot, else a constant ({@link Symbols}).
 */
public final class CodeEnv {
    private final Map<String, Object> variables = new HashMap<>();
    private final Consumer<String> out;
    private CodeScope scope = name -> null;

    /** @param out takes each printed line */
    public CodeEnv(Consumer<String> out) {
        this.out = out;
    }

    /** Runs a block against a snapshot. @throws CodeException if an assertion fails or the block makes no sense */
    public void run(Code code, CodeScope snapshot) throws CodeException {
        run(CodeBlock.parse(code), snapshot);
    }

    /** The same with a block read before. */
    public void run(CodeBlock block, CodeScope snapshot) throws CodeException {
        scope = snapshot;
        block.run(this);
    }

    Object value(int line, String name) throws CodeException {
        Object variable = variables.get(name);
        if (variable != null) {
            return variable;
        }
        Long field = scope.field(name);
        if (field == null) {
            field = constant(name);
        }
        if (field == null) {
            throw new CodeException(line, "code block: no name '" + name + "' here");
        }
        return field;
    }

    private static @Nullable Long constant(String name) {
        return switch (name) {
            case "True" -> 1L;
            case "False", "None" -> 0L;
            default -> Symbols.value(name);
        };
    }

    void assign(int line, String name, String operator, Object value) throws CodeException {
        variables.put(
                name,
                operator.equals("=")
                        ? value
                        : CodeValues.apply(line, operator.substring(0, 1), value(line, name), value));
    }

    Object call(int line, String function, List<Object> args) throws CodeException {
        switch (function) {
            case "print" -> {
                out.accept(args.stream().map(CodeValues::text).collect(Collectors.joining(" ")));
                return 0L;
            }
            case "abs", "int" -> {
                if (args.size() == 1) {
                    long n = CodeValues.number(line, args.get(0));
                    return function.equals("abs") ? Math.abs(n) : n;
                }
            }
            case "min", "max" -> {
                if (!args.isEmpty()) {
                    long best = CodeValues.number(line, args.get(0));
                    for (Object a : args) {
                        long n = CodeValues.number(line, a);
                        best = function.equals("min") ? Math.min(best, n) : Math.max(best, n);
                    }
                    return best;
                }
            }
            case "hex" -> {
                if (args.size() == 1) {
                    return "0x" + Long.toHexString(CodeValues.number(line, args.get(0)));
                }
            }
            default -> throw new CodeException(line, "code block: no function '" + function + "'");
        }
        throw new CodeException(line, "code block: " + function + "() does not take " + args.size() + " values");
    }
}
