package softnet.tools.demo;

import drivers.veth.Veth;
import java.io.IOException;
import java.net.InetSocketAddress;
import net.core.BootParams;
import net.core.Kernel;
import net.core.Net;
import net.core.api.SoftNetwork;
import net.core.api.SoftServerSocket;
import net.core.api.SoftSocket;
import net.core.dev.NetDevice;
import net.ipv4.Ipv4Admin;
import softnet.tools.applet.Addr;

/** A client and a server, two namespaces of one kernel joined by a veth pair. */
public final class TwoHosts implements AutoCloseable {
    static final int PREFIX = 24;
    static final int PORT = 5001;

    final Kernel kernel;
    final Net clientNet;
    final Net serverNet;
    final NetDevice clientDevice;
    final NetDevice serverDevice;
    final SoftNetwork client;
    final SoftNetwork server;

    private static final int CLIENT = Addr.literal("10.0.0.1");
    private static final int SERVER = Addr.literal("10.0.0.2");

    private TwoHosts(Kernel kernel) {
        this.kernel = kernel;
        clientNet = kernel.newNet("client");
        serverNet = kernel.newNet("server");
        clientDevice = Veth.create(clientNet, "veth0", serverNet, "veth1");
        NetDevice peer = Veth.peerOf(clientDevice);
        if (peer == null) {
            throw new IllegalStateException("a veth without its peer");
        }
        serverDevice = peer;
        client = SoftNetwork.of(kernel, clientNet);
        server = SoftNetwork.of(kernel, serverNet);
    }

    /** Boots them. @throws UserError for parameters that cannot be */
    public static TwoHosts boot(BootParams params) {
        TwoHosts hosts = new TwoHosts(Kernel.boot(params));
        up(hosts.clientDevice, CLIENT);
        up(hosts.serverDevice, SERVER);
        return hosts;
    }

    private static void up(NetDevice device, int address) {
        Ipv4Admin.addAddress(device, address, PREFIX);
        Ipv4Admin.setUp(device);
    }

    /** The kernel of both. */
    public Kernel kernel() {
        return kernel;
    }

    /** Both ends of the wire. */
    public NetDevice[] devices() {
        return new NetDevice[] {clientDevice, serverDevice};
    }

    /** Both namespaces. */
    public Net[] nets() {
        return new Net[] {clientNet, serverNet};
    }

    /** The server's listener. */
    SoftServerSocket listen(int port) throws IOException {
        return server.listen(Addr.of(0, port), 16);
    }

    /** The server's address. */
    static InetSocketAddress serverAt(int port) {
        return Addr.of(SERVER, port);
    }

    /** The client's connection to it. */
    SoftSocket connect(int port) throws IOException {
        return client.connect(serverAt(port));
    }

    @Override
    public void close() {
        client.close();
        server.close();
        kernel.close();
    }
}
