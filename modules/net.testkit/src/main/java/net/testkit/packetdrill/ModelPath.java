package net.testkit.packetdrill;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Deque;
import java.util.PriorityQueue;
import java.util.TreeMap;

/**
 * A path and the receiver at its end, in arithmetic: segments pass a bottleneck with a buffer, some are dropped by
 * number, the others are acknowledged one round trip later, with SACK, each by itself. It answers two senders with exactly
 * the same, which no real receiver does.
 *
 * <p>Times are the host's, nanoseconds; positions are bytes from the start of the stream.
 */
final class ModelPath {
    private static final int HEADERS = 40 + 14;
    private static final int MAX_BLOCKS = 4;

    private final SenderTrace.Path path;
    private final int mss;
    private final PriorityQueue<Answer> answers =
            new PriorityQueue<>(Comparator.comparingLong(Answer::atNs).thenComparingLong(Answer::order));
    private final Deque<Long> recent = new ArrayDeque<>();
    /** What arrived out of order: start and end. */
    private final TreeMap<Long, Long> ahead = new TreeMap<>();

    private final Deque<Long> departures = new ArrayDeque<>();
    private long linkFreeNs;
    private long rcvNxt;
    private long highest;
    private long order;
    /** Segments dropped by number, and because the buffer was full. */
    long dropped;

    long overflowed;
    long arrived;

    /**
     * An acknowledgment on its way.
     *
     * @param blocks SACK blocks, starts and ends, the latest first
     */
    record Answer(long atNs, long order, long ack, long[] blocks) {}

    ModelPath(SenderTrace.Path path, int mss) {
        this.path = path;
        this.mss = mss;
    }

    /** The sender put {@code length} bytes on the wire, as one packet or as many that a device would make of it. */
    void sent(long atNs, long from, int length) {
        for (long at = from; at < from + length; at += mss) {
            segment(atNs, at, Math.min(at + mss, from + length));
        }
    }

    private void segment(long atNs, long from, long to) {
        boolean first = to > highest;
        highest = Math.max(highest, to);
        if (first && Arrays.binarySearch(path.drops(), from / mss) >= 0) {
            dropped++;
            return;
        }
        while (!departures.isEmpty() && departures.peek() <= atNs) {
            departures.poll();
        }
        if (departures.size() >= path.bufferPackets()) {
            overflowed++;
            return;
        }
        long takes = path.bitsPerSec() == 0 ? 0 : (to - from + HEADERS) * 8_000_000_000L / path.bitsPerSec();
        linkFreeNs = Math.max(linkFreeNs, atNs) + takes;
        departures.add(linkFreeNs);
        receive(from, to);
        answers.add(new Answer(linkFreeNs + path.rttMs() * 1_000_000L, order++, rcvNxt, blocks()));
    }

    /** Segments do not overtake each other, so that they can be received as they are sent. */
    private void receive(long from, long to) {
        arrived++;
        if (to <= rcvNxt) {
            return;
        }
        long start = Math.max(from, rcvNxt);
        long end = to;
        var before = ahead.floorEntry(start);
        if (before != null && before.getValue() >= start) {
            start = before.getKey();
            end = Math.max(end, before.getValue());
        }
        for (var next = ahead.ceilingEntry(start);
                next != null && next.getKey() <= end;
                next = ahead.ceilingEntry(start)) {
            end = Math.max(end, next.getValue());
            ahead.remove(next.getKey());
            recent.remove(next.getKey());
        }
        recent.remove(start);
        if (start <= rcvNxt) {
            rcvNxt = end;
        } else {
            ahead.put(start, end);
            recent.addFirst(start);
        }
    }

    private long[] blocks() {
        return recent.stream()
                .limit(MAX_BLOCKS)
                .flatMapToLong(s -> java.util.stream.LongStream.of(s, ahead.getOrDefault(s, s)))
                .toArray();
    }

    /** When the next acknowledgment arrives; far away if none is under way. */
    long nextNs(long otherwise) {
        Answer a = answers.peek();
        return a == null ? otherwise : Math.min(a.atNs, otherwise);
    }

    /** The next that has arrived by now, or null. */
    @org.jspecify.annotations.Nullable
    Answer poll(long nowNs) {
        Answer a = answers.peek();
        return a != null && a.atNs <= nowNs ? answers.poll() : null;
    }
}
