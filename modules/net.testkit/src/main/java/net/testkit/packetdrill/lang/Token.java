package net.testkit.packetdrill.lang;

/**
 * A lexical token.
 *
 * @param text as written; of strings, back-quoted text and code without the delimiters
 * @param line from 1
 * @param column from 1
 * @param end offset behind it in the source: two tokens touch if one's end is the other's start
 */
record Token(Kind kind, String text, int line, int column, int start, int end) {
    enum Kind {
        WORD,
        INT,
        HEX,
        FLOAT,
        STRING,
        BACK_QUOTED,
        CODE,
        /** {@code --name=value}: the text is {@code name=value}. */
        OPTION,
        IPV4,
        IPV6,
        ELLIPSIS,
        /** A single other character. */
        CHAR,
        EOF
    }

    boolean isWord(String word) {
        return kind == Kind.WORD && text.equals(word);
    }

    boolean isChar(char c) {
        return kind == Kind.CHAR && text.charAt(0) == c;
    }

    /** For messages. */
    String shown() {
        return switch (kind) {
            case EOF -> "the end of the script";
            case STRING -> '"' + text + '"';
            case BACK_QUOTED -> "a `command`";
            case CODE -> "a %{ code block }%";
            case OPTION -> "--" + text;
            default -> "'" + text + "'";
        };
    }
}
