package net.testkit.packetdrill;

import java.nio.file.Path;
import net.testkit.packetdrill.lang.Event;
import net.testkit.packetdrill.lang.IcmpNames;
import net.testkit.packetdrill.lang.Packet;
import net.testkit.packetdrill.lang.Script;
import net.testkit.packetdrill.lang.Settings;
import org.jspecify.annotations.Nullable;

/**
 * Runs scripts. Each has a kernel of its own in virtual time: nothing sleeps, and the same seed gives the same packets.
 *
 * <p>Context: any thread; runs of several threads do not disturb each other.
 */
public final class Packetdrill {
    private Packetdrill() {}

    /** Runs one script to its end or its first failure. */
    public static Verdict run(Script script, RunOptions options) {
        return softnet(script, options, false).verdict();
    }

    /** The same, with what passed on the wire if it is to be kept. */
    static Differential.Run softnet(Script script, RunOptions options, boolean keep) {
        long began = System.nanoTime();
        Settings.IpVersion own = script.settings().scriptVersion();
        Settings.IpVersion wanted = script.settings().ipVersion();
        if (own != null && own != wanted) {
            String why = "written for " + own.text() + ", not for " + wanted.text();
            return new Differential.Run(Verdict.skip(seconds(began), why, 0), Transcript.NONE, EndState.NONE);
        }
        if (script.settings().ipVersion() != Settings.IpVersion.IPV4) {
            return new Differential.Run(
                    Verdict.skip(seconds(began), "runs over IPv4 only", 0), Transcript.NONE, EndState.NONE);
        }
        for (Event e : script.events()) {
            if (e.action() instanceof Packet.Icmp i
                    && IcmpNames.type(i.type(), false) < 0
                    && IcmpNames.type(i.type(), true) >= 0) {
                return new Differential.Run(
                        Verdict.skip(seconds(began), "ICMPv6 message: runs over IPv4 only", e.line()),
                        Transcript.NONE,
                        EndState.NONE);
            }
        }
        if (script.settings().dryRun()) {
            return new Differential.Run(Verdict.pass(seconds(began)), Transcript.NONE, EndState.NONE);
        }
        ScriptRun run = new ScriptRun(script);
        try (PcapFile pcap = pcap(script, options);
                ScriptWorld world = new ScriptWorld(
                        script.settings(), pcap, tap -> new SoftnetHost(script.settings(), options.seed(), tap))) {
            if (keep) {
                world.keepAll();
            }
            return run(run, world, began);
        }
    }

    static Differential.Run run(ScriptRun run, ScriptWorld world, long began) {
        String error = run.run(world);
        Verdict verdict =
                error.isEmpty() ? Verdict.pass(seconds(began)) : Verdict.fail(seconds(began), error, run.line());
        return new Differential.Run(verdict, run.transcript(), run.end());
    }

    private static @Nullable PcapFile pcap(Script script, RunOptions options) {
        Path dir = options.pcap();
        if (dir == null) {
            return null;
        }
        String name = Path.of(script.path())
                .normalize()
                .toString()
                .replaceAll("^[./]+", "")
                .replace('/', '-');
        return new PcapFile(dir.resolve(name.replaceFirst("\\.pkt$", "") + ".pcap"));
    }

    private static double seconds(long began) {
        return (System.nanoTime() - began) / 1e9;
    }
}
