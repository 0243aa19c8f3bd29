package net.sched.cls;

import net.core.Cpu;
import net.core.Net;
import net.core.UserError;
import net.core.dev.NetDevice;
import net.core.dev.NetDeviceTable;
import net.core.dev.QdiscSkbCb;
import net.core.tc.TcHandle;
import net.core.tc.TcPrint;
import net.sched.act.TcfExts;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import org.jspecify.annotations.Nullable;

/**
 * What every filter does with a packet that it matches: its class, its actions, and the device that it wants packets to
 * have come by. Never changes: a filter that is changed gets another.
 *
 * <p>Linux: struct tcf_result, struct tcf_exts, tcf_match_indev()
 */
public final class Filter {
    /** No class and no actions. */
    public static final Filter NONE = new Filter(0, TcfExts.NONE, null);

    /** Class, 0 if none was given. */
    public final int classid;
    /** Actions. */
    public final TcfExts exts;
    /** Device that packets have come by, or null for any. */
    public final @Nullable NetDevice indev;

    private Filter(int classid, TcfExts exts, @Nullable NetDevice indev) {
        this.classid = classid;
        this.exts = exts;
        this.indev = indev;
    }

    /**
     * Takes the packet: sets its class and does the actions.
     *
     * @return {@code TC_ACT_*}; UNSPEC if the next filter is to be asked
     */
    @HotPath
    public int take(Cpu cpu, SkBuff skb) {
        QdiscSkbCb.setTcClassid(skb, classid);
        return exts.exec(cpu, skb);
    }

    /** Tells whether the packet has come by the device that was asked for. */
    @HotPath
    public boolean fromIndev(SkBuff skb) {
        return indev == null || skb.skbIif == indev.ifindex;
    }

    /** {@code flowid 1:10 }, if there is a class; {@code key} is also the word in front. */
    public void printClass(TcPrint p, String key) {
        if (classid != 0) {
            p.str(key, key + " ", TcHandle.format(classid), " ");
        }
    }

    /**
     * Reads the words that all filters know: {@code classid}, {@code flowid}, {@code indev}, {@code action},
     * {@code police}. {@link #close} gives back what it holds, unless {@link #build} was called.
     */
    public static final class Builder implements AutoCloseable {
        private final Net net;
        private int classid;
        private boolean classGiven;
        private TcfExts exts = TcfExts.NONE;
        private @Nullable NetDevice indev;

        /** Nothing read; names are looked up in {@code net}. */
        public Builder(Net net) {
            this.net = net;
        }

        /** What {@code was} has stands where nothing else is said, but for actions: they are replaced. */
        public Builder from(Filter was) {
            if (!classGiven) {
                classid = was.classid;
            }
            if (indev == null) {
                indev = was.indev;
            }
            return this;
        }

        /** Reads on if {@code word}, just taken, is one of these. */
        public boolean read(String word, ClsWords in) {
            if (ClsWords.matches(word, "classid") || ClsWords.matches(word, "flowid")) {
                classid = in.classid();
                classGiven = true;
            } else if (ClsWords.matches(word, "action")) {
                exts = TcfExts.join(exts, TcfExts.parse(net, in.options()));
            } else if (ClsWords.matches(word, "police")) {
                exts = TcfExts.join(exts, TcfExts.parsePolice(net, in.options()));
            } else if (word.equals("indev")) {
                String name = in.next();
                indev = NetDeviceTable.of(net).byName(name);
                if (indev == null) {
                    throw new UserError("Error: Interface name not found.");
                }
            } else {
                return false;
            }
            return true;
        }

        /** Tells whether a class was given. */
        public boolean hasClass() {
            return classGiven;
        }

        /** Sets the class. */
        public void classid(int id) {
            classid = id;
            classGiven = true;
        }

        /** Tells whether there are actions. */
        public boolean hasActions() {
            return !exts.isEmpty();
        }

        /** What was read; its actions are the filter's to give back from now on. */
        public Filter build() {
            Filter f = new Filter(classid, exts, indev);
            exts = TcfExts.NONE;
            return f;
        }

        @Override
        public void close() {
            exts.destroy();
            exts = TcfExts.NONE;
        }
    }
}
