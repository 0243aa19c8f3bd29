package net.core;

import java.util.concurrent.atomic.AtomicReference;
import net.skbuff.HotPath;
import org.jspecify.annotations.Nullable;

/**
 * The tasklets scheduled on one CPU, in two queues: those ahead of timers and packets, and the others.
 *
 * <p>Context: holder of the CPU's word, but {@link #scheduleRemote} any.
 *
 * <p>Linux: struct tasklet_head, tasklet_action_common(), kernel/softirq.c
 */
final class TaskletVec {
    /** Scheduled by others; newest first. */
    private final AtomicReference<@Nullable Tasklet> remote = new AtomicReference<>();

    private @Nullable Tasklet head;
    private @Nullable Tasklet tail;
    private @Nullable Tasklet hiHead;
    private @Nullable Tasklet hiTail;

    TaskletVec() {}

    /** Queues a tasklet on this CPU unless it is queued. Context: holder. Linux: tasklet_schedule() */
    @HotPath
    void schedule(Cpu cpu, Tasklet tasklet) {
        if (tasklet.markScheduled()) {
            queue(cpu, tasklet);
        }
    }

    /** {@link #schedule} ahead of timers and packets. Linux: tasklet_hi_schedule() */
    void scheduleHi(Cpu cpu, Tasklet tasklet) {
        if (tasklet.markScheduled()) {
            queueHi(cpu, tasklet);
        }
    }

    /**
     * {@link #schedule} for those who don't hold this CPU's word: a packet's destructor, another CPU. Context: any.
     */
    @HotPath
    void scheduleRemote(Cpu cpu, Tasklet tasklet) {
        if (!tasklet.markScheduled()) {
            return;
        }
        Tasklet top;
        do {
            top = remote.get();
            tasklet.next = top;
        } while (!remote.compareAndSet(top, tasklet));
        cpu.raiseSoftirqRemote(Softirq.TASKLET);
    }

    private void queue(Cpu cpu, Tasklet tasklet) {
        tasklet.next = null;
        Tasklet last = tail;
        if (last == null) {
            head = tasklet;
        } else {
            last.next = tasklet;
        }
        tail = tasklet;
        cpu.raiseSoftirq(Softirq.TASKLET);
    }

    private void queueHi(Cpu cpu, Tasklet tasklet) {
        tasklet.next = null;
        Tasklet last = hiTail;
        if (last == null) {
            hiHead = tasklet;
        } else {
            last.next = tasklet;
        }
        hiTail = tasklet;
        cpu.raiseSoftirq(Softirq.HI);
    }

    /** The TASKLET softirq. Linux: tasklet_action_common() */
    void action(Cpu cpu) {
        for (Tasklet t = remote.getAndSet(null); t != null; ) {
            Tasklet following = t.next;
            queue(cpu, t);
            t = following;
        }
        Tasklet tasklet = head;
        head = null;
        tail = null;
        while (tasklet != null) {
            Tasklet next = tasklet.next;
            if (!run(cpu, tasklet)) {
                queue(cpu, tasklet);
            }
            tasklet = next;
        }
    }

    /** The HI softirq. */
    void hiAction(Cpu cpu) {
        Tasklet tasklet = hiHead;
        hiHead = null;
        hiTail = null;
        while (tasklet != null) {
            Tasklet next = tasklet.next;
            if (!run(cpu, tasklet)) {
                queueHi(cpu, tasklet);
            }
            tasklet = next;
        }
    }

    private static boolean run(Cpu cpu, Tasklet tasklet) {
        if (!tasklet.tryRun()) {
            return false;
        }
        try {
            tasklet.next = null;
            tasklet.clearScheduled();
            tasklet.run(cpu);
        } catch (RuntimeException | Error e) {
            cpu.oops("tasklet", e); // those behind it still run
        } finally {
            tasklet.endRun();
        }
        return true;
    }
}
