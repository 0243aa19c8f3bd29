package net.core;

/**
 * A person's mistake: an argument, a boot word, a rule, a module jar. The message is the one line that is shown (what,
 * where, and what would be right); the tools turn it into exit status 2. Wire input never raises it.
 */
public final class UserError extends IllegalArgumentException {
    private static final long serialVersionUID = 1L;

    /** The whole line to show. */
    public UserError(String line) {
        super(line);
    }

    /** The whole line to show, and what was found underneath. */
    public UserError(String line, Throwable cause) {
        super(line, cause);
    }
}
