package net.core.task;

/** Where a thread waits in the operating system instead of parking: how to end that. */
public interface NativeWait {
    /** Ends the wait of whoever waits here. May come late and end another's: waiters look again. Context: any. */
    void kick();
}
