package net.core.sock;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import net.core.Cpu;
import net.core.Kernel;
import net.skbuff.SkBuff;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

/**
 * The owner of a socket against softirqs with work for it, on the real {@link SockLock}: what a softirq finds owned it
 * defers, and the owner runs it when it releases. Fields of the protocol are plain: the lock alone orders them.
 */
public final class OwnerAgainstBacklog {
    /** Words for the owners' slow path; its own softirqs have nothing to do. */
    private static final Kernel KERNEL = Kernel.boot("cpus=4", "leakcheck=off");

    private OwnerAgainstBacklog() {}

    /** A socket that counts what is done to it. */
    static class Probe extends SockLock {
        /** Set by softirqs under the spinlock; taken by the owner, as flags of deferred work are. */
        private final java.util.concurrent.atomic.AtomicInteger deferred =
                new java.util.concurrent.atomic.AtomicInteger();

        int handled;
        int inside;
        int clashes;

        Probe() {
            super(KERNEL.initNet());
        }

        final void enter() {
            clashes += inside;
            inside = 1;
        }

        final void leave() {
            inside = 0;
        }

        final void systemCall() {
            lockSock();
            enter();
            leave();
            releaseSock();
        }

        final void softirq(Cpu none) {
            bhLockSock(none);
            if (ownedByUser()) {
                deferred.incrementAndGet();
                deferWork();
            } else {
                enter();
                handled++;
                leave();
            }
            bhUnlockSock(none);
        }

        @Override
        protected void releaseCb(Cpu cpu) {
            enter();
            handled += deferred.getAndSet(0);
            leave();
        }

        @Override
        protected int backlogRcv(Cpu cpu, SkBuff skb) {
            throw new AssertionError("no packets here");
        }

        @Override
        protected void failedInBacklog(Cpu cpu) {
            clashes++;
        }

        @Override
        protected int rmemAllocated() {
            return 0;
        }
    }

    @JCStressTest
    @State
    @Outcome(id = "1, 0", expect = ACCEPTABLE, desc = "Done once, by whoever had the socket.")
    @Outcome(expect = FORBIDDEN, desc = "Lost, done twice, or two were in at once.")
    public static class OneSoftirq extends Probe {
        @Actor
        public void process() {
            systemCall();
        }

        @Actor
        public void packet() {
            softirq(KERNEL.cpu(0));
        }

        @Arbiter
        public void end(II_Result r) {
            r.r1 = handled;
            r.r2 = clashes;
        }
    }

    @JCStressTest
    @State
    @Outcome(id = "2, 0", expect = ACCEPTABLE, desc = "Each done once, by whoever had the socket.")
    @Outcome(expect = FORBIDDEN, desc = "Lost, done twice, or two were in at once.")
    public static class TwoSoftirqs extends Probe {
        @Actor
        public void process() {
            systemCall();
        }

        @Actor
        public void packet() {
            softirq(KERNEL.cpu(0));
        }

        @Actor
        public void timer() {
            softirq(KERNEL.cpu(1));
        }

        @Arbiter
        public void end(II_Result r) {
            r.r1 = handled;
            r.r2 = clashes;
        }
    }
}
