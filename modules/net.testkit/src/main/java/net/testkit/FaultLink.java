package net.testkit;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.PriorityQueue;
import org.jspecify.annotations.Nullable;

/**
 * One direction of a cable on which a {@link FaultPlan} acts: frames go in as they are sent and come out as they arrive,
 * fewer, more, later, in another order, damaged. It moves no frame and reads no clock itself.
 *
 * <p>A frame held back goes on after one to three later ones, or after {@value #HOLD_NS} ns if time passes here at all: a
 * plan without delay is driven by frames alone. With jitter each frame has a delay of its own, so that a later one may
 * overtake, as in netem.
 *
 * <p>Context: one user at a time.
 */
final class FaultLink {
    private static final long HOLD_NS = 10_000_000;

    /** Ethernet addresses and type are left alone: a frame for nobody is a lost one. */
    private static final int ETH_HLEN = 14;

    private record Late(byte[] frame, long atNs, long order) implements Comparable<Late> {
        @Override
        public int compareTo(Late o) {
            return atNs != o.atNs ? Long.compare(atNs, o.atNs) : Long.compare(order, o.order);
        }
    }

    private static final class Held {
        final byte[] frame;
        final long untilNs;
        int left;

        Held(byte[] frame, int left, long untilNs) {
            this.frame = frame;
            this.left = left;
            this.untilNs = untilNs;
        }
    }

    private final int header;
    private FaultPlan plan;
    private final Deque<byte[]> ready = new ArrayDeque<>();
    private final List<Held> held = new ArrayList<>();
    private final PriorityQueue<Late> late = new PriorityQueue<>();
    private long order;

    /** @param header bytes before the frame proper */
    FaultLink(FaultPlan plan, int header) {
        this.plan = plan;
        this.header = header;
    }

    FaultPlan plan() {
        return plan;
    }

    /** Another plan from now on; what is on its way is gone. */
    void program(FaultPlan next) {
        plan = next;
        ready.clear();
        held.clear();
        late.clear();
    }

    /** A frame is sent. The array is the link's from now on. */
    void offer(byte[] frame, long nowNs) {
        if (plan.loses()) {
            return;
        }
        byte[] twin = plan.duplicates() ? frame.clone() : null;
        int bit = plan.corruptBit(frame.length - header);
        if (bit >= 0) {
            frame[header + ETH_HLEN + bit / 8] ^= (byte) (1 << (bit & 7));
        }
        int overtakenBy = plan.overtakenBy();
        if (overtakenBy > 0) {
            held.add(new Held(frame, overtakenBy, nowNs + HOLD_NS));
        } else {
            pass(frame, nowNs);
        }
        if (twin != null) {
            pass(twin, nowNs);
        }
    }

    private void pass(byte[] frame, long nowNs) {
        send(frame, nowNs);
        for (Iterator<Held> i = held.iterator(); i.hasNext(); ) {
            Held h = i.next();
            if (--h.left == 0) {
                send(h.frame, nowNs);
                i.remove();
            }
        }
    }

    private void send(byte[] frame, long nowNs) {
        if (plan.delays()) {
            late.add(new Late(frame, nowNs + plan.delayNs(), order++));
        } else {
            ready.add(frame);
        }
    }

    /** The next frame that has arrived by now, or null. */
    byte @Nullable [] poll(long nowNs) {
        byte[] frame = ready.poll();
        if (frame != null || !plan.delays()) {
            return frame;
        }
        for (Iterator<Held> i = held.iterator(); i.hasNext(); ) {
            Held h = i.next();
            if (h.untilNs - nowNs <= 0) {
                send(h.frame, h.untilNs);
                i.remove();
            }
        }
        Late first = late.peek();
        if (first == null || first.atNs - nowNs > 0) {
            return null;
        }
        late.remove();
        return first.frame;
    }

    /** When {@link #poll} is worth another look, {@link Long#MAX_VALUE} for never; only plans with a delay know. */
    long nextNs() {
        long next = late.isEmpty() ? Long.MAX_VALUE : late.peek().atNs;
        for (Held h : held) {
            next = Math.min(next, h.untilNs);
        }
        return next;
    }
}
