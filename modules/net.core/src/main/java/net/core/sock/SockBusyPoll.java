package net.core.sock;

import net.core.Cpu;
import net.core.Kernel;
import net.core.dev.DevGlobals;
import net.core.dev.NapiStruct;
import net.core.time.Clock;
import net.skbuff.HotPath;

/**
 * A reader that polls its device itself before it sleeps: SO_BUSY_POLL, net.core.busy_read. Saves the interrupt and the
 * wake-up across cores; costs a core.
 *
 * <p><b>Context:</b> process, no lock held. A CPU word is held for one poll at a time.
 *
 * <p>Linux: sk_busy_loop(), include/net/busy_poll.h; napi_busy_loop(), net/core/dev.c
 */
final class SockBusyPoll {
    /** Packets of one poll. Linux: BUSY_POLL_BUDGET */
    private static final int BUSY_POLL_BUDGET = 8;

    /** Virtual time that an empty poll costs. */
    private static final long EMPTY_POLL_NS = 1_000;

    private SockBusyPoll() {}

    /** True if the socket asked for it and knows its device's queue. Linux: sk_can_busy_loop() */
    @HotPath
    static boolean canBusyLoop(Sock sk) {
        return sk.llUsec > 0 && sk.napiId != 0;
    }

    /** Polls until there is something to read or SO_BUSY_POLL microseconds are over; once if {@code nonblock}. */
    static void loop(Sock sk, boolean nonblock) {
        Kernel kernel = sk.kernel();
        NapiStruct napi = DevGlobals.of(kernel).napiById(sk.napiId);
        if (napi == null) {
            return;
        }
        int budget = sk.busyPollBudget > 0 ? sk.busyPollBudget : BUSY_POLL_BUDGET;
        Clock clock = kernel.clock();
        long endNs = clock.nanoTime() + sk.llUsec * 1_000L;
        for (int round = 0; sk.receiveQueue.isEmpty(); round++) {
            Cpu cpu = sk.localBhDisable();
            try {
                napi.busyPoll(cpu, budget);
            } finally {
                cpu.localBhEnable();
            }
            if (nonblock || sk.err != 0 || sk.shutdown != 0 || clock.nanoTime() - endNs >= 0) {
                return;
            }
            if (kernel.isVirtual()) {
                kernel.scheduler().sleep(EMPTY_POLL_NS); // nobody else may be there to let time pass
            } else {
                kernel.scheduler().spinWait(round);
            }
        }
    }
}
