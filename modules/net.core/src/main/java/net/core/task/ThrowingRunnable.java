package net.core.task;

/** A program thread's body. */
@FunctionalInterface
public interface ThrowingRunnable {
    /** Runs; what it throws is kept for whoever joins the thread. */
    void run() throws Exception;
}
