package net.testkit;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A TCP peer in a test's hands, at the far end of a host's {@link ScriptedDevice}: {@code inject(syn().seq(0).mss(1460));
 * expect(synAck().ack(1));}. Answers ARP by itself and keeps the initial sequence numbers of both sides, so that a
 * script's numbers are relative.
 *
 * <p>Context: the lab's main thread, in virtual time.
 */
public final class ScriptedPeer {
    private static final byte[] HOST_MAC = {2, 0, 0, 0, 0, 1};
    private static final byte[] PEER_MAC = {2, 0, 0, 0, 0, 2};
    private static final long DEFAULT_PATIENCE_NS = 250_000_000L;

    public final Lab lab;
    public final Lab.Host host;
    public final ScriptedDevice device;
    public final int hostAddr;
    public final int addr;

    private int port = 4000;
    private int hostPort = 80;
    private int isn = 1_000_000;
    private int hostIsn;
    private boolean hostIsnKnown;
    private boolean timestamps;
    private int lastTsVal;
    private int ipId = 1;
    private final List<String> log = new ArrayList<>();

    /** A host {@code h} at 10.0.0.1/24 whose wire ends here, as 10.0.0.2. */
    public ScriptedPeer(Lab lab) {
        this.lab = lab;
        host = lab.addHost("h");
        hostAddr = Lab.address("10.0.0.1");
        addr = Lab.address("10.0.0.2");
        device = ScriptedDevice.create(host.net, "eth0", HOST_MAC);
        lab.attach(host, device.dev, "10.0.0.1/24");
        device.wire((cpu, frame) -> {
            if (!answersArp(frame)) {
                device.sent.add(new ScriptedDevice.Sent(cpu.nowNs(), frame));
            }
        });
    }

    private boolean answersArp(byte[] frame) {
        if (Wires.be16(frame, 12) != Frames.ETH_P_ARP) {
            return false;
        }
        if (Wires.be16(frame, 14 + 6) == 1 && Wires.be32(frame, 14 + 24) == addr) {
            byte[] reply = Frames.ethernet(
                    HOST_MAC, PEER_MAC, Frames.ETH_P_ARP, Frames.arp(2, PEER_MAC, addr, HOST_MAC, hostAddr));
            lab.kernel.scheduler().schedule(lab.nowNs() + 1000, () -> device.receive(reply));
        }
        return true;
    }

    /** The two ports; before the first segment. */
    public ScriptedPeer ports(int peerPort, int hostPort) {
        this.port = peerPort;
        this.hostPort = hostPort;
        hostIsnKnown = false;
        return this;
    }

    /** This side's initial sequence number. */
    public ScriptedPeer isn(int isn) {
        this.isn = isn;
        return this;
    }

    /** Puts time stamps on everything injected from now on: milliseconds of the clock, echoing what came last. */
    public ScriptedPeer withTimestamps() {
        timestamps = true;
        return this;
    }

    /** A segment arrives at the host now. */
    public void inject(Segment s) {
        int ts = (int) (lab.nowNs() / 1_000_000);
        byte[] tcp = s.build(addr, hostAddr, port, hostPort, isn, hostIsn, timestamps, ts, lastTsVal);
        byte[] ip = Frames.ipv4(addr, hostAddr, Frames.IPPROTO_TCP, s.ipTos(), ipId++, 0x4000, 64, tcp);
        log.add(lab.nowNs() + " ns > " + s);
        receive(Frames.ethernet(HOST_MAC, PEER_MAC, Frames.ETH_P_IP, ip));
    }

    /** Any IPv4 datagram arrives, from this peer. */
    public void injectIp(int protocol, byte[] payload) {
        byte[] ip = Frames.ipv4(addr, hostAddr, protocol, 0, ipId++, 0, 64, payload);
        receive(Frames.ethernet(HOST_MAC, PEER_MAC, Frames.ETH_P_IP, ip));
    }

    /** Any frame arrives. */
    public void receive(byte[] frame) {
        device.receive(frame);
        lab.sleep(1000);
    }

    /** The next segment that the host sends must be this one, within a quarter of a second. */
    public TcpFrame expect(Segment want) {
        return expect(want, DEFAULT_PATIENCE_NS);
    }

    /** As {@link #expect(Segment)} with another patience. */
    public TcpFrame expect(Segment want, long patienceNs) {
        ScriptedDevice.Sent got = next(patienceNs);
        if (got == null) {
            throw new AssertionError("want " + want + " within " + patienceNs + " ns, nothing came\n" + script());
        }
        TcpFrame f = TcpFrame.parse(got.frame());
        if (f == null) {
            throw new AssertionError("want " + want + ", got " + got + "\n" + script());
        }
        learn(f, want);
        String differs = want.differs(f, hostIsn, isn);
        if (differs != null) {
            throw new AssertionError(differs + "\n  want " + want + "\n  got  " + got + "\n" + script());
        }
        return f;
    }

    /** The next frame that is not ARP, or null after the patience. */
    public ScriptedDevice.@Nullable Sent next(long patienceNs) {
        long end = lab.nowNs() + patienceNs;
        while (device.sent.isEmpty() && lab.nowNs() - end < 0) {
            lab.sleep(Math.min(1_000_000, end - lab.nowNs()));
        }
        device.throwBad();
        ScriptedDevice.Sent got = device.sent.poll();
        if (got != null) {
            log.add(got.atNs() + " ns < " + PacketText.of(got.frame()));
        }
        return got;
    }

    /** Nothing but ARP may be sent for so long. */
    public void expectNothing(long ns) {
        ScriptedDevice.Sent got = next(ns);
        if (got != null) {
            throw new AssertionError("want nothing for " + ns + " ns, got " + got + "\n" + script());
        }
    }

    private void learn(TcpFrame f, Segment want) {
        if ((f.flags & Segment.SYN) != 0 && !hostIsnKnown) {
            hostIsn = f.seq;
            hostIsnKnown = true;
            if ((want.flagBits() & Segment.ACK) == 0) {
                hostPort = f.sport;
                port = f.dport;
            }
        }
        if (f.timestamps) {
            lastTsVal = f.tsVal;
        }
    }

    /** What happened so far. */
    public String script() {
        return String.join("\n", log);
    }
}
