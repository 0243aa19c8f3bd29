package net.core.task;

/** Virtual time cannot go on: the message lists every program thread and what it waits for. */
public final class DeadlockException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    DeadlockException(String message) {
        super(message);
    }
}
