package net.core.sock;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.NonReadableChannelException;
import net.core.Cpu;
import net.core.Kernel;
import net.skbuff.Errno;
import net.skbuff.Page;

/**
 * sendfile and splice: bytes that go into a socket without passing through a program's memory. A file's bytes are read
 * into pages of the packet pool, which the packets then refer to.
 *
 * <p><b>Context:</b> process, no lock held.
 *
 * <p>Linux: do_sendfile(), fs/read_write.c; splice_to_socket(), fs/splice.c
 */
final class Splice {
    private static final int BOUNCE_BYTES = 32768;
    private static final int SPLICE_BYTES = 4096;

    private Splice() {}

    /** @return bytes sent from {@code position} on, 0 at the end of the file, or -errno if none were */
    static long sendfile(Kernel kernel, File out, FileChannel in, long position, long count) {
        Socket sock = out.socket();
        if (sock == null) {
            return -Errno.EINVAL;
        }
        if (position < 0) {
            return -Errno.EINVAL;
        }
        Msghdr msg = new Msghdr(); // allocates: once for up to 2 GiB
        UserPages iter = new UserPages();
        Chunk now = new Chunk(); // one is read ahead: only so is known whether more follows
        Chunk next = new Chunk();
        long sent = 0;
        now.read(kernel, in, position, count);
        while (now.length > 0) {
            if (now.wasFull) {
                next.read(kernel, in, position + sent + now.length, count - sent - now.length);
            }
            Page page = java.util.Objects.requireNonNull(now.page);
            int n = sendAll(out, sock, msg, iter.wrap(page, 0, now.length), next.length > 0);
            boolean whole = n == now.length;
            now.release();
            if (n > 0) {
                sent += n;
            }
            if (!whole) {
                next.release();
                return sent > 0 ? sent : n;
            }
            Chunk done = now;
            now = next;
            next = done;
        }
        return sent > 0 || now.length == 0 ? sent : now.length;
    }

    /** A piece of a file in a page. */
    private static final class Chunk {
        @org.jspecify.annotations.Nullable
        Page page;
        /** Bytes; 0 at the end of the file, or -errno: then there is no page. */
        int length;
        /** As many as there is room for: more may follow. */
        boolean wasFull;

        void read(Kernel kernel, FileChannel in, long position, long count) {
            length = 0;
            wasFull = false;
            if (count <= 0) {
                return;
            }
            Page fresh = allocPage(kernel, BOUNCE_BYTES);
            if (fresh == null) {
                length = -Errno.ENOMEM;
                return;
            }
            int want = (int) Math.min(count, fresh.size());
            length = readFile(in, fresh, want, position);
            wasFull = length == want;
            if (length > 0) {
                page = fresh;
            } else {
                fresh.putDeferred();
            }
        }

        void release() {
            Page held = page;
            if (held != null) {
                page = null;
                held.putDeferred();
            }
            length = 0;
            wasFull = false;
        }
    }

    private static int sendAll(File out, Socket sock, Msghdr msg, UserPages iter, boolean more) {
        int flags = SockConst.MSG_SPLICE_PAGES | SockConst.MSG_NOSIGNAL;
        flags |= more ? SockConst.MSG_MORE | SockConst.MSG_SENDPAGE_NOTLAST : 0;
        flags |= out.nonblocking() ? SockConst.MSG_DONTWAIT : 0;
        int done = 0;
        while (iter.remaining() > 0) {
            msg.reset(iter, null, flags);
            int n = SocketFileOps.sockSendmsg(sock, msg, iter.remaining());
            if (n <= 0) {
                return done > 0 ? done : n;
            }
            done += n;
        }
        return done;
    }

    @SuppressWarnings("restricted") // a view of a page that this thread holds
    private static int readFile(FileChannel in, Page page, int want, long position) {
        ByteBuffer view =
                MemorySegment.ofAddress(page.address()).reinterpret(want).asByteBuffer();
        try {
            while (view.hasRemaining()) {
                int n = in.read(view, position + view.position());
                if (n < 0) {
                    break;
                }
            }
            return view.position();
        } catch (NonReadableChannelException e) {
            return -Errno.EBADF;
        } catch (IOException e) {
            return view.position() > 0 ? view.position() : -Errno.EIO;
        }
    }

    private static @org.jspecify.annotations.Nullable Page allocPage(Kernel kernel, int bytes) {
        Cpu cpu = kernel.localBhDisable(-1);
        Page page = cpu.allocPage(bytes);
        cpu.localBhEnable();
        return page;
    }

    /** From a pipe to a socket, by reference; or from a socket to a pipe, by one copy into pages. */
    static int splice(Kernel kernel, File in, File out, int len, int flags) {
        if (in.privateData instanceof Pipe pipe && in.ops == Pipe.READ_OPS && out.socket() != null) {
            return fromPipe(pipe, in, out, len, flags);
        }
        if (out.privateData instanceof Pipe pipe && out.ops == Pipe.WRITE_OPS && in.socket() != null) {
            return toPipe(kernel, in, pipe, len, flags | (out.nonblocking() ? FileFlags.SPLICE_F_NONBLOCK : 0));
        }
        return -Errno.EINVAL;
    }

    private static int fromPipe(Pipe pipe, File in, File out, int len, int flags) {
        Socket sock = java.util.Objects.requireNonNull(out.socket());
        Msghdr msg = new Msghdr();
        UserPages iter = new UserPages();
        int done = 0;
        while (done < len) {
            int n = pipe.first(iter, len - done);
            if (n < 0) {
                return done > 0 ? done : n;
            }
            if (n == 0) {
                if (done > 0 || pipe.atEnd()) {
                    return done;
                }
                if (in.nonblocking() || (flags & FileFlags.SPLICE_F_NONBLOCK) != 0) {
                    return -Errno.EAGAIN;
                }
                int err = pipe.sleepForData();
                if (err != 0) {
                    return err;
                }
                continue;
            }
            boolean more = (flags & FileFlags.SPLICE_F_MORE) != 0 || done + n < len && pipe.bytes() > n;
            Page page = iter.page();
            int offset = iter.pageOffset();
            int sent = 0;
            try {
                sent = sendAll(out, sock, msg, iter, more);
            } finally {
                pipe.sent(page, offset, sent);
                page.putDeferred();
            }
            if (sent > 0) {
                pipe.wakeWriters();
            }
            if (sent <= 0) {
                return done > 0 ? done : sent;
            }
            done += sent;
            if (sent < n) {
                break;
            }
        }
        return done;
    }

    private static int toPipe(Kernel kernel, File in, Pipe pipe, int len, int flags) {
        Socket sock = java.util.Objects.requireNonNull(in.socket());
        Msghdr msg = new Msghdr();
        UserPages iter = new UserPages();
        int done = 0;
        while (done < len) {
            if (pipe.isReaderGone()) {
                return done > 0 ? done : -Errno.EPIPE;
            }
            if (!pipe.reserve()) {
                if (done > 0 || (flags & FileFlags.SPLICE_F_NONBLOCK) != 0) {
                    return done > 0 ? done : -Errno.EAGAIN;
                }
                int err = pipe.sleepForRoom();
                if (err != 0) {
                    return err;
                }
                continue;
            }
            Page page = allocPage(kernel, SPLICE_BYTES);
            if (page == null) {
                pipe.unreserve();
                return done > 0 ? done : -Errno.ENOMEM;
            }
            int want = Math.min(len - done, page.size());
            boolean wait = done == 0 && !in.nonblocking() && (flags & FileFlags.SPLICE_F_NONBLOCK) == 0;
            msg.reset(iter.wrap(page, 0, want), null, 0);
            int n = SocketFileOps.sockRecvmsg(
                    sock, msg, want, SockConst.MSG_SPLICE_PAGES | (wait ? 0 : SockConst.MSG_DONTWAIT));
            if (n <= 0) {
                pipe.unreserve();
                page.putDeferred();
                return done > 0 ? done : n;
            }
            if (!pipe.spliceIn(page, 0, n)) {
                page.putDeferred();
                return done > 0 ? done : -Errno.EPIPE;
            }
            done += n;
        }
        return done;
    }
}
