package net.testkit;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import net.core.api.SoftDatagramSocket;
import net.core.api.SoftServerSocket;
import net.core.api.SoftSocket;
import net.core.sock.Socket;
import net.tcp.TcpSock;
import org.jspecify.annotations.Nullable;

/** The host that is fuzzed, and a program on it that keeps sockets in every state: listening, connecting, sending, closing. */
final class FuzzHost {
    static final byte[] HOST_MAC = {2, 0, 0, 0, 0, 1};
    static final int HOST = Lab.address("10.0.0.1");
    static final int HTTP = 80;
    static final int ECHO = 7;
    private static final int MAX_CONNECTIONS = 40;

    /** A connection of the program's, seen from both sides. */
    record Conn(SoftSocket socket, TcpSock tp, int peer, int peerPort, int port) {}

    final Lab lab;
    final Lab.Host host;
    final ScriptedDevice device;
    final List<Conn> conns = new ArrayList<>();
    /** Connections closed by the program, which live on in the stack. */
    final List<Conn> closed = new ArrayList<>();

    private final SplittableRandom random;
    private final SoftServerSocket listener;
    private final SoftDatagramSocket udp;
    private final byte[] bytes = new byte[8192];

    FuzzHost(long seed, SplittableRandom random) throws IOException {
        this.random = random;
        lab = Lab.virtual(seed, 1, "memory=256M", Boolean.getBoolean("softnet.debug") ? "debug" : "debug=0");
        host = lab.addHost("h");
        device = ScriptedDevice.create(host.net, "eth0", HOST_MAC);
        lab.attach(host, device.dev, "10.0.0.1/24");
        lab.route(host, "0.0.0.0/0", "10.0.0.254");
        listener = Lab.listen(host, HTTP);
        listener.configureBlocking(false);
        udp = host.network.datagramSocket();
        udp.bind(Lab.endpoint("0.0.0.0", ECHO));
        udp.configureBlocking(false);
    }

    private TcpSock tcpOf(SoftSocket s) {
        Socket socket = Objects.requireNonNull(
                Objects.requireNonNull(host.network.process().files().get(s.fd()))
                        .socket());
        return (TcpSock) Objects.requireNonNull(socket.sk);
    }

    /** One small thing that programs do. */
    void step() throws IOException {
        switch (random.nextInt(8)) {
            case 0, 1 -> accept();
            case 2 -> connect();
            case 3, 4, 5 -> use();
            case 6 -> drainUdp();
            default -> {
                if (conns.size() > MAX_CONNECTIONS / 2) {
                    end();
                }
            }
        }
    }

    private void accept() throws IOException {
        for (SoftSocket s = tryAccept(); s != null; s = tryAccept()) {
            add(s);
        }
    }

    private @Nullable SoftSocket tryAccept() throws IOException {
        return conns.size() < MAX_CONNECTIONS ? listener.tryAccept() : null;
    }

    private void add(SoftSocket s) throws IOException {
        s.configureBlocking(false);
        if (random.nextInt(4) == 0) {
            s.setOption(StandardSocketOptions.SO_KEEPALIVE, true);
        }
        TcpSock tp = tcpOf(s);
        conns.add(new Conn(s, tp, tp.daddr, tp.dport, tp.num));
    }

    private void connect() throws IOException {
        if (conns.size() >= MAX_CONNECTIONS) {
            return;
        }
        SoftSocket s = host.network.socket();
        s.configureBlocking(false);
        InetSocketAddress to = Lab.endpoint("10.0.0." + (2 + random.nextInt(8)), 1 + random.nextInt(3));
        try {
            s.connect(to);
            add(s);
        } catch (IOException e) {
            s.close();
        }
    }

    private void use() {
        if (conns.isEmpty()) {
            return;
        }
        int at = random.nextInt(conns.size());
        Conn c = conns.get(at);
        try {
            if (random.nextInt(3) == 0) {
                c.socket().write(bytes, 0, 1 + random.nextInt(bytes.length));
            } else if (random.nextInt(40) == 0) {
                c.socket().shutdownOutput();
            }
            while (c.socket().read(bytes, 0, bytes.length) > 0) {
                // Drained.
            }
        } catch (IOException e) {
            close(at, c);
        }
    }

    private void drainUdp() {
        ByteBuffer to = ByteBuffer.wrap(bytes);
        try {
            for (InetSocketAddress from = udp.receive(to.clear()); from != null; from = udp.receive(to.clear())) {
                if (random.nextInt(4) == 0 && from.getPort() != 0) {
                    udp.send(to.flip(), from);
                }
            }
        } catch (IOException e) {
            // A queued ICMP error.
        }
    }

    private void end() throws IOException {
        int at = random.nextInt(conns.size());
        Conn c = conns.get(at);
        if (random.nextInt(5) == 0) {
            c.socket().setOption(StandardSocketOptions.SO_LINGER, 0);
        }
        close(at, c);
    }

    private void close(int at, Conn c) {
        c.socket().close();
        conns.remove(at);
        closed.add(c);
        if (closed.size() > 30) {
            closed.removeFirst();
        }
    }
}
