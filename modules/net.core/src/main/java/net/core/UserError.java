package net.core;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;

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

    /** What went wrong with a file, in a few words: the exceptions of java.nio.file often name the file only. */
    public static String why(IOException e) {
        if (e instanceof FileSystemException f && f.getReason() == null) {
            return switch (f) {
                case NoSuchFileException n -> "no such file or folder";
                case AccessDeniedException a -> "permission denied";
                case FileAlreadyExistsException x -> "exists already";
                default -> f.getClass().getSimpleName();
            };
        }
        String why = e instanceof FileSystemException f ? f.getReason() : e.getMessage();
        return why == null ? e.getClass().getSimpleName() : why;
    }
}
