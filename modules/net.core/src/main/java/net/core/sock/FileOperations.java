package net.core.sock;

import net.skbuff.Errno;
import net.skbuff.UserBuf;
import org.jspecify.annotations.Nullable;

/**
 * What can be done with an open file. Implementations are stateless; their state is {@link File#privateData}.
 *
 * <p><b>Context:</b> process, no lock held.
 *
 * <p>Linux: struct file_operations, include/linux/fs.h
 */
public abstract class FileOperations {
    /** @return bytes, 0 at the end, or -errno */
    public int read(File file, UserBuf to) {
        return -Errno.EINVAL;
    }

    public int write(File file, UserBuf from) {
        return -Errno.EINVAL;
    }

    /** Events that hold now (EPOLLIN, ...); registers with {@code wait} first if it is not null. */
    public int poll(File file, @Nullable PollTable wait) {
        return PollMask.EPOLLIN | PollMask.EPOLLOUT | PollMask.EPOLLRDNORM | PollMask.EPOLLWRNORM;
    }

    public int ioctl(File file, int cmd, OptVal arg) {
        return -Errno.ENOTTY;
    }

    /** The last descriptor was closed. */
    public void release(File file) {}
}
