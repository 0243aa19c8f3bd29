package net.testkit.live;

import drivers.tapnic.TapDevice;
import drivers.tapnic.Wire;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import net.core.sys.Epoll;
import net.core.sys.Sys;

/**
 * A cable between a TAP and another wire: every frame that comes out of one goes into the other. It stands where Softnet's
 * card stands otherwise, so that Linux in its place is behind the same {@code FaultWire}.
 *
 * <p>Context: frames from the TAP on a thread of its own, those for the TAP too or, if the other wire has no descriptor, on
 * the thread that signals their arrival.
 */
final class Relay implements AutoCloseable, Runnable {
    private static final int FRAME_ROOM = 128 * 1024;

    private final TapDevice tap;
    private final Wire other;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment toTap = vector();
    private final MemorySegment fromTap = vector();
    private final int wakeFd = Sys.check(Sys.eventfd(0, Sys.EFD_NONBLOCK | Sys.EFD_CLOEXEC), "eventfd");
    private final Epoll epoll = new Epoll(3);
    private final Thread thread = new Thread(this, "relay");
    private volatile boolean closed;

    Relay(TapDevice tap, Wire other) {
        this.tap = tap;
        this.other = other;
        epoll.add(wakeFd, Epoll.EPOLLIN, 0);
        epoll.add(tap.queue(0).fd(), Epoll.EPOLLIN, 1);
        if (other.fd() >= 0) {
            epoll.add(other.fd(), Epoll.EPOLLIN, 2);
        } else {
            other.signal(this::arrived);
        }
        thread.setDaemon(true);
        thread.start();
    }

    /** One iovec and its frame. */
    private MemorySegment vector() {
        MemorySegment vector = arena.allocate(16, 16);
        vector.set(ValueLayout.JAVA_LONG, 0, arena.allocate(FRAME_ROOM, 64).address());
        return vector;
    }

    private synchronized void arrived() {
        if (!closed) {
            pass(other, toTap, tap.queue(0));
        }
    }

    private static void pass(Wire from, MemorySegment iov, Wire to) {
        while (true) {
            iov.set(ValueLayout.JAVA_LONG, 8, FRAME_ROOM);
            int bytes = from.receive(iov.address(), 1);
            if (bytes < 0) {
                return;
            }
            iov.set(ValueLayout.JAVA_LONG, 8, bytes);
            int unused = to.transmit(iov.address(), 1); // a device that is down loses frames
        }
    }

    @Override
    public void run() {
        while (!closed) {
            epoll.await(-1);
            pass(tap.queue(0), fromTap, other);
            if (other.fd() >= 0) {
                arrived();
            }
        }
    }

    /** Closes the wires too. */
    @Override
    public void close() {
        closed = true;
        Sys.eventfdSignal(wakeFd);
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        other.close();
        synchronized (this) {
            tap.close();
            epoll.close();
            Sys.close(wakeFd);
            arena.close();
        }
    }
}
