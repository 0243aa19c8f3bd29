package net.testkit.packetdrill.lang;

import java.util.List;
import java.util.Objects;
import java.util.stream.Collectors;

/** Arithmetic of code blocks: as Python's on integers, strings and tuples. */
final class CodeValues {
    private CodeValues() {}

    static boolean truth(Object value) {
        return switch (value) {
            case Long n -> n != 0;
            case String s -> !s.isEmpty();
            case List<?> l -> !l.isEmpty();
            default -> true;
        };
    }

    static long number(int line, Object value) throws CodeException {
        if (value instanceof Long n) {
            return n;
        }
        throw new CodeException(line, "code block: '" + text(value) + "' is no number");
    }

    static String text(Object value) {
        return value instanceof List<?> l
                ? l.stream().map(CodeValues::text).collect(Collectors.joining(", ", "(", ")"))
                : String.valueOf(value);
    }

    static boolean compare(int line, String operator, Object left, Object right) throws CodeException {
        if (operator.equals("==") || operator.equals("!=")) {
            return Objects.equals(left, right) == operator.equals("==");
        }
        int order = Long.compare(number(line, left), number(line, right));
        return switch (operator) {
            case "<" -> order < 0;
            case "<=" -> order <= 0;
            case ">" -> order > 0;
            default -> order >= 0;
        };
    }

    static Object apply(int line, String operator, Object left, Object right) throws CodeException {
        if (left instanceof String s) {
            if (operator.equals("%")) {
                return format(line, s, right instanceof List<?> l ? l : List.of(right));
            }
            if (operator.equals("+") && right instanceof String r) {
                return s + r;
            }
        }
        long a = number(line, left);
        long b = number(line, right);
        if (b == 0 && (operator.equals("%") || operator.equals("//"))) {
            throw new CodeException(line, "code block: division by zero");
        }
        return switch (operator) {
            case "|" -> a | b;
            case "^" -> a ^ b;
            case "&" -> a & b;
            case "<<" -> a << b;
            case ">>" -> a >> b;
            case "+" -> a + b;
            case "-" -> a - b;
            case "*" -> a * b;
            case "//" -> Math.floorDiv(a, b);
            default -> Math.floorMod(a, b);
        };
    }

    /** {@code '%d of %x' % (a, b)}: each conversion takes the next value. */
    private static String format(int line, String pattern, List<?> values) throws CodeException {
        StringBuilder s = new StringBuilder();
        int taken = 0;
        for (int i = 0; i < pattern.length(); i++) {
            char c = pattern.charAt(i);
            if (c != '%' || i + 1 == pattern.length()) {
                s.append(c);
                continue;
            }
            char conversion = pattern.charAt(++i);
            if (conversion == '%') {
                s.append('%');
                continue;
            }
            if (taken == values.size()) {
                throw new CodeException(line, "code block: '" + pattern + "' has more conversions than values");
            }
            Object value = values.get(taken++);
            s.append(conversion == 'x' ? Long.toHexString(number(line, value)) : text(value));
        }
        if (taken != values.size()) {
            throw new CodeException(line, "code block: '" + pattern + "' has fewer conversions than values");
        }
        return s.toString();
    }
}
