package softnet.tools;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import softnet.tools.applet.Applet;

/**
 * Turns SIGINT and SIGTERM into an orderly end: the applet is asked to stop and its thread interrupted, and the JVM waits
 * until everything is closed.
 */
final class StopSignal implements AutoCloseable {
    private static final long CLOSE_SECONDS = 10;

    private final Applet applet;
    private final Thread main = Thread.currentThread();
    private final CountDownLatch closed = new CountDownLatch(1);
    private final Thread hook = new Thread(this::raise, "stop-signal");
    private boolean running = true;
    private boolean raised;

    private StopSignal(Applet applet) {
        this.applet = applet;
    }

    /** Watches for signals until {@link #close}. */
    static StopSignal watch(Applet applet) {
        StopSignal signal = new StopSignal(applet);
        Runtime.getRuntime().addShutdownHook(signal.hook);
        return signal;
    }

    private void raise() {
        synchronized (this) {
            raised = true;
            if (running) {
                applet.stop();
                main.interrupt();
            }
        }
        try {
            if (!closed.await(CLOSE_SECONDS, TimeUnit.SECONDS)) {
                System.err.println("softnet: not everything was closed within " + CLOSE_SECONDS + " s");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Whether a signal has come. */
    synchronized boolean isRaised() {
        return raised;
    }

    /** The applet has ended: from here on its thread is left alone to close everything. */
    synchronized void applied() {
        running = false;
        // Said to the applet, not to what comes after it.
        boolean interrupted = Thread.interrupted();
        assert !interrupted || raised;
    }

    @Override
    public void close() {
        applied();
        closed.countDown();
        if (!isRaised()) {
            try {
                Runtime.getRuntime().removeShutdownHook(hook);
            } catch (IllegalStateException e) {
                // A signal has come in this moment: the hook finds everything closed.
            }
        }
    }
}
