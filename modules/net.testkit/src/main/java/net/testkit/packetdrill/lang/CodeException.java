package net.testkit.packetdrill.lang;

/** A code block that cannot be read or whose assertion does not hold. One line. */
public final class CodeException extends Exception {
    private static final long serialVersionUID = 1;

    private final int line;

    public CodeException(int line, String what) {
        super(what);
        this.line = line;
    }

    /** Of the script. */
    public int line() {
        return line;
    }

    @Override
    public String getMessage() {
        return String.valueOf(super.getMessage());
    }
}
