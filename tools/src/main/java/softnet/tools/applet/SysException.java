package softnet.tools.applet;

import java.io.IOException;
import net.skbuff.Errno;

/** A system call that failed: what was tried, and the errno by name and text. */
public final class SysException extends IOException {
    private static final long serialVersionUID = 1L;

    private final int errno;

    SysException(String what, int errno) {
        super(what + ": " + Errno.text(errno) + " (" + Errno.name(errno) + ")");
        this.errno = errno;
    }

    /** The positive errno. */
    public int errno() {
        return errno;
    }

    /** Returns {@code rc} unless it is negative. */
    static int check(int rc, String what) throws SysException {
        if (rc < 0) {
            throw new SysException(what, -rc);
        }
        return rc;
    }
}
