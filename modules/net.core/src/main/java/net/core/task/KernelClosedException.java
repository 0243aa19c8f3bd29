package net.core.task;

/** Ends a program thread that is still blocked when its kernel closes. Not to be caught, other than to clean up. */
public final class KernelClosedException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    KernelClosedException() {
        super("the kernel is closing");
    }
}
