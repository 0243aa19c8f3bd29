package softnet.tools;

import java.util.ArrayList;
import java.util.List;
import net.core.UserError;

/** The words of a {@code tc qdisc} line. */
final class TcWords {
    private TcWords() {}

    /** Splits at blanks; single and double quotes keep blanks together. @throws UserError for an open quote */
    static List<String> split(String line) {
        List<String> words = new ArrayList<>();
        StringBuilder word = new StringBuilder();
        boolean inWord = false;
        char quote = 0;
        for (char c : line.toCharArray()) {
            if (quote != 0) {
                if (c == quote) {
                    quote = 0;
                } else {
                    word.append(c);
                }
            } else if (c == '\'' || c == '"') {
                quote = c;
                inWord = true;
            } else if (!Character.isWhitespace(c)) {
                word.append(c);
                inWord = true;
            } else if (inWord) {
                words.add(word.toString());
                word.setLength(0);
                inWord = false;
            }
        }
        if (quote != 0) {
            throw new UserError("qdisc '" + line + "': a quote is not closed");
        }
        if (inWord) {
            words.add(word.toString());
        }
        return words;
    }

    /**
     * What stands after {@code tc qdisc add dev X}: {@code [root] [handle H:] KIND OPTIONS}, without the words before the
     * kind.
     */
    static String rootSpec(String spec) {
        List<String> words = split(spec);
        int at = 0;
        if (at < words.size() && words.get(at).equals("root")) {
            at++;
        }
        if (at + 1 < words.size() && words.get(at).equals("handle")) {
            at += 2;
        }
        if (at >= words.size()) {
            throw new UserError("qdisc '" + spec + "': want KIND [OPTION...], such as pfifo limit 100");
        }
        return String.join(" ", words.subList(at, words.size()));
    }
}
