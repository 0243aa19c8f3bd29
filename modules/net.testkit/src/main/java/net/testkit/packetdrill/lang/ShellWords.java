package net.testkit.packetdrill.lang;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Cuts shell text into simple commands: words with quotes undone and {@code $((products))} computed, the operator before
 * each command, and where its output goes.
 */
final class ShellWords {
    /**
     * @param before {@code ;}, {@code &&}, {@code ||} or {@code |}
     * @param target file its output is written to, "" if none
     */
    record Simple(String before, List<String> words, String target) {}

    private static final Pattern ARITHMETIC = Pattern.compile("\\$\\(\\(([0-9*+\\s]+)\\)\\)");
    private static final Pattern OPERATOR = Pattern.compile("&&|\\|\\||[;|\\n]");
    private static final Pattern REDIRECT = Pattern.compile("(?:&>|2>&1|2?>>?)\\s*([^\\s;|&]*)");

    private final List<Simple> commands = new ArrayList<>();
    private List<String> words = new ArrayList<>();
    private String before = ";";
    private String target = "";

    private ShellWords() {}

    static List<Simple> commands(String script) {
        String text = ARITHMETIC
                .matcher(script.replaceAll("\\\\\\r?\\n", " "))
                .replaceAll(m -> Long.toString(sum(m.group(1))));
        ShellWords w = new ShellWords();
        w.read(text);
        return w.commands;
    }

    /** {@code 15*1024*1024}, with sums of such products. */
    private static long sum(String expression) {
        long sum = 0;
        for (String product : expression.split("\\+")) {
            long value = 1;
            for (String factor : product.split("\\*")) {
                value *= Long.parseLong(factor.strip());
            }
            sum += value;
        }
        return sum;
    }

    private void read(String text) {
        int at = 0;
        while (at < text.length()) {
            char c = text.charAt(at);
            Matcher operator = OPERATOR.matcher(text).region(at, text.length());
            Matcher redirect = REDIRECT.matcher(text).region(at, text.length());
            if (operator.lookingAt()) {
                end(operator.group().equals("\n") ? ";" : operator.group());
                at = operator.end();
            } else if (redirect.lookingAt()) {
                if (!redirect.group().startsWith("2") && !redirect.group(1).isEmpty()) {
                    target = redirect.group(1);
                }
                at = redirect.end();
            } else if (Character.isWhitespace(c)) {
                at++;
            } else if (c == '#') {
                int newline = text.indexOf('\n', at);
                at = newline < 0 ? text.length() : newline;
            } else {
                at = word(text, at);
            }
        }
        end(";");
    }

    private int word(String text, int from) {
        StringBuilder word = new StringBuilder();
        int at = from;
        while (at < text.length()) {
            char c = text.charAt(at);
            if (c == '"' || c == '\'') {
                int close = text.indexOf(c, at + 1);
                close = close < 0 ? text.length() : close;
                word.append(text, at + 1, close);
                at = Math.min(close + 1, text.length());
            } else if (Character.isWhitespace(c) || ";|&>".indexOf(c) >= 0) {
                break;
            } else {
                word.append(c == '\\' && at + 1 < text.length() ? text.charAt(++at) : c);
                at++;
            }
        }
        words.add(word.toString());
        return at == from ? at + 1 : at;
    }

    private void end(String next) {
        if (!words.isEmpty()) {
            commands.add(new Simple(before, List.copyOf(words), target));
            before = next;
        }
        words = new ArrayList<>();
        target = "";
    }
}
