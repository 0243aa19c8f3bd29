package net.sched;

import java.util.List;
import net.core.Cpu;
import net.core.UserError;
import net.core.dev.NetdevQueue;
import net.core.dev.Qdisc;
import net.core.dev.QdiscOps;
import net.core.dev.QdiscSkbCb;
import net.core.tc.TcPrint;
import net.skbuff.Errno;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import net.skbuff.SkBuffHead;
import org.jspecify.annotations.Nullable;

/**
 * {@code plug [limit BYTES] [block | release | release_indefinite]}: holds packets back until told. {@code block} begins an
 * epoch, {@code release} lets the one before the last block go, {@code release_indefinite} opens it until the next block.
 *
 * <p>{@code Deviation:} Linux starts shut, and tc has no words for it; one that was made with nothing said is open here, so that
 * a bare name passes traffic.
 *
 * <p>Linux: net/sched/sch_plug.c
 */
public final class PlugOps implements QdiscOps {
    /** Creates the kind. */
    public PlugOps() {}

    @Override
    public String id() {
        return "plug";
    }

    @Override
    public @Nullable Object parse(List<String> args) {
        TcAttrs a = new TcAttrs();
        TcOptions in = new TcOptions("plug", args);
        while (in.hasNext()) {
            String w = in.next();
            switch (w) {
                case "limit" -> a.put(w, in.size(w));
                case "block", "release", "release_indefinite" -> a.put("action", w);
                default ->
                    throw new UserError("What is \"" + w
                            + "\"? Usage: ... plug [ limit BYTES ] [ block | release | release_indefinite ]");
            }
        }
        return a;
    }

    @Override
    public Qdisc create(NetdevQueue devQueue) {
        return new Plug(this, devQueue);
    }

    private static final class Plug extends SchedQdisc {
        private boolean throttled;
        private boolean indefinite = true;
        /** Packets of the epoch that is being filled. */
        private int currentEpoch;
        /** Of the one before, shut but not released. */
        private int lastEpoch;
        /** Released and not sent yet. */
        private int toRelease;

        Plug(PlugOps ops, NetdevQueue devQueue) {
            super(ops, devQueue, 0);
            limit = (int) Math.min((long) devQueue.dev.txQueueLen * pschedMtu(), Integer.MAX_VALUE);
        }

        @Override
        public int init(@Nullable Object opt) {
            return change(opt);
        }

        @Override
        public int change(@Nullable Object opt) {
            TcAttrs a = TcAttrs.of(opt);
            limit = a.get("limit", limit);
            switch (a.get("action", "")) {
                case "" -> {
                    return 0;
                }
                case "block" -> {
                    lastEpoch = currentEpoch;
                    currentEpoch = 0;
                    if (indefinite) {
                        throttled = true;
                    }
                    indefinite = false;
                }
                case "release" -> {
                    toRelease += lastEpoch;
                    lastEpoch = 0;
                    throttled = false;
                }
                case "release_indefinite" -> {
                    indefinite = true;
                    toRelease = 0;
                    currentEpoch = 0;
                    lastEpoch = 0;
                    throttled = false;
                }
                default -> {
                    return -Errno.EINVAL;
                }
            }
            return 0;
        }

        /** What a change released goes out. */
        @Override
        public void trim(Cpu cpu) {
            net.core.dev.SchGeneric.netifSchedule(cpu, devQueue.qdisc);
        }

        @Override
        @HotPath
        public int enqueue(Cpu cpu, SkBuff skb, SkBuffHead toFree) {
            if ((long) backlog + QdiscSkbCb.pktLen(skb) > limit) {
                return qdiscDrop(skb, toFree);
            }
            if (!indefinite) {
                currentEpoch++;
            }
            return enqueueTail(skb);
        }

        @Override
        @HotPath
        public @Nullable SkBuff dequeue(Cpu cpu) {
            if (throttled) {
                overlimits++;
                return null;
            }
            if (!indefinite) {
                if (toRelease == 0) {
                    throttled = true;
                    return null;
                }
                toRelease--;
            }
            return dequeueHead();
        }

        @Override
        public void takeAll(Cpu cpu, SkBuffHead to) {
            to.spliceTail(q);
            currentEpoch = 0;
            lastEpoch = 0;
            toRelease = 0;
        }

        @Override
        public void dump(TcPrint p) {
            p.size("limit", "limit ", limit, " ");
            p.flag("indefinite", indefinite, "release_indefinite ");
        }
    }
}
