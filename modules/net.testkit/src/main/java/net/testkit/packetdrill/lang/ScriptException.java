package net.testkit.packetdrill.lang;

/** A script that cannot be read. The message is one line: {@code path:line:column: what is wrong}. */
public final class ScriptException extends Exception {
    private static final long serialVersionUID = 1;

    private final int line;
    private final int column;

    public ScriptException(String path, int line, int column, String what) {
        super(path + (line > 0 ? ":" + line + (column > 0 ? ":" + column : "") : "") + ": " + what);
        this.line = line;
        this.column = column;
    }

    /** From 1; 0: the command line. */
    public int line() {
        return line;
    }

    /** From 1; 0: unknown. */
    public int column() {
        return column;
    }

    @Override
    public String getMessage() {
        return String.valueOf(super.getMessage());
    }
}
