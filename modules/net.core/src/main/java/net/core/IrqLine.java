package net.core;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import net.skbuff.HotPath;
import org.jspecify.annotations.Nullable;

/**
 * An interrupt vector into one CPU. Raising it twice before it is handled is raising it once.
 *
 * <p>Context: {@link #raise} anywhere; the handler on the line's CPU, before its softirqs.
 */
public final class IrqLine {
    private static final VarHandle RAISED;

    static {
        try {
            RAISED = MethodHandles.lookup().findVarHandle(IrqLine.class, "raised", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final Cpu cpu;
    private final IrqHandler handler;

    /** Link of the CPU's stack of raised lines. */
    @Nullable
    IrqLine next;

    private volatile int raised;
    private long count;

    IrqLine(Cpu cpu, IrqHandler handler) {
        this.cpu = cpu;
        this.handler = handler;
    }

    /** The device signals: the handler runs soon on the line's CPU. */
    @HotPath
    public void raise() {
        if (mark()) {
            cpu.raiseRemote(Cpu.IRQ_BIT);
        }
    }

    /** Queues the line on its CPU without a kick; false if it is queued. */
    boolean mark() {
        if (raised != 0 || !RAISED.compareAndSet(this, 0, 1)) {
            return false;
        }
        cpu.pushRaised(this);
        return true;
    }

    /** A bug in the handler is noted: the lines behind it are still to be handled. */
    void handle() {
        RAISED.setVolatile(this, 0);
        count++;
        try {
            handler.handle(cpu);
        } catch (RuntimeException | Error e) {
            cpu.kernel().noteOops("interrupt handler on " + cpu, e);
        }
    }

    /** The CPU that is interrupted. */
    public Cpu cpu() {
        return cpu;
    }

    /** Times handled: /proc/interrupts. */
    public long count() {
        return count;
    }
}
