package net.testkit;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.util.Objects;
import net.core.Cpu;
import net.core.Kernel;
import net.core.api.SoftNetwork;
import net.core.api.SoftServerSocket;
import net.core.api.SoftSocket;
import net.core.dev.Dev;
import net.core.dev.EthHdr;
import net.core.dev.NetDevice;
import net.core.dev.NetDeviceOps;
import net.core.dev.NetdevFeatures;
import net.core.dev.NetdevQueue;
import net.core.sock.Socket;
import net.ipv4.Ipv4Admin;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import net.tcp.TcpSock;
import org.agrona.UnsafeApi;

/**
 * One live connection whose peer is a pump: its segments go straight into {@code netifReceiveSkb}, and what the stack sends
 * ends in a driver that frees it. Of use to measure a segment's way in and out by itself; {@link #receiveSegment} with
 * {@link #read} is the whole way in, {@link #write} the whole way out. It allocates nothing per segment.
 *
 * <p>Context: one thread, in process context.
 */
public final class SegmentPump implements AutoCloseable {
    /** Payload of a segment: a full one with time stamps on Ethernet. */
    public static final int MSS = 1448;

    private static final byte[] HOST_MAC = {2, 0, 0, 0, 0, 1};
    private static final byte[] PEER_MAC = {2, 0, 0, 0, 0, 2};
    private static final int HOST = Lab.address("10.0.0.1");
    private static final int PEER = Lab.address("10.0.0.2");
    private static final int PEER_PORT = 4000;
    private static final int PORT = 80;
    private static final int HEADERS = 14 + 20 + 32;
    private static final int SEQ_OFFSET = 14 + 20 + 4;
    private static final int ACK_OFFSET = 14 + 20 + 8;
    private static final int ISN = 1000;

    public final Kernel kernel;
    private final NetDevice dev;
    private final NullCard card = new NullCard();
    private final SoftNetwork network;
    private final SoftServerSocket listener;
    private final SoftSocket socket;
    private final TcpSock tp;
    private final Arena arena = Arena.ofShared();
    private final long dataFrame = arena.allocate(HEADERS + MSS, 64).address();
    private final long ackFrame = arena.allocate(HEADERS, 64).address();
    private final ByteBuffer buffer = ByteBuffer.allocateDirect(64 * 1024);
    private int seq = ISN;

    private SegmentPump(String... words) throws IOException {
        kernel = Kernel.boot(words);
        dev = new NetDevice(kernel.initNet(), "eth0", card, 1, 1);
        EthHdr.etherSetup(dev);
        dev.devAddr = HOST_MAC;
        dev.privFlags |= NetDevice.IFF_NO_QUEUE;
        dev.features = NetdevFeatures.NETIF_F_SG | NetdevFeatures.NETIF_F_HW_CSUM;
        dev.register();
        Ipv4Admin.addAddress(dev, "10.0.0.1/24");
        Ipv4Admin.setUp(dev);
        Ipv4Admin.addNeighbour(dev, PEER, PEER_MAC);
        network = SoftNetwork.of(kernel);
        listener = network.listen(Lab.endpoint("0.0.0.0", PORT), 8);
        socket = handshake();
        Socket s = Objects.requireNonNull(
                Objects.requireNonNull(network.process().files().get(socket.fd()))
                        .socket());
        tp = (TcpSock) Objects.requireNonNull(s.sk);
        byte[] options = {1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0};
        put(dataFrame, segment(Segment.ACK, 0, options, MSS));
        put(ackFrame, segment(Segment.ACK, 0, options, 0));
    }

    /** Boots a live kernel of one CPU and connects. The words come after those. */
    public static SegmentPump open(String... words) throws IOException {
        String[] all = new String[words.length + 2];
        all[0] = "clock=live";
        all[1] = "cpus=1";
        System.arraycopy(words, 0, all, 2, words.length);
        return new SegmentPump(all);
    }

    /** Swallows what is sent, keeping only the last SYN-ACK's sequence number. */
    private static final class NullCard implements NetDeviceOps {
        int synAckSeq;
        long sent;

        @Override
        @HotPath
        public int ndoStartXmit(Cpu cpu, SkBuff skb, NetDevice d, NetdevQueue txq, boolean xmitMore) {
            if (sent++ == 0) {
                synAckSeq = Integer.reverseBytes(UnsafeApi.getInt(skb.dataAddress() + SEQ_OFFSET));
            }
            skb.consume(cpu);
            return NETDEV_TX_OK;
        }
    }

    private SoftSocket handshake() throws IOException {
        byte[] synOptions = {2, 4, 5, (byte) 180, 1, 3, 3, 7, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0};
        receive(Segment.SYN, 0, synOptions);
        seq++;
        byte[] options = {1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0};
        receive(Segment.ACK, card.synAckSeq + 1, options);
        SoftSocket s = listener.accept();
        s.setOption(java.net.StandardSocketOptions.TCP_NODELAY, true);
        return s;
    }

    private void receive(int flags, int ack, byte[] options) {
        byte[] f = segment(flags, ack, options, 0);
        put(dataFrame, f);
        inject(dataFrame, f.length, seq, ack);
    }

    private byte[] segment(int flags, int ack, byte[] options, int payload) {
        byte[] t = Frames.tcp(PEER, HOST, PEER_PORT, PORT, seq, ack, flags, 65535, 0, options, new byte[payload]);
        return Frames.ethernet(
                HOST_MAC, PEER_MAC, Frames.ETH_P_IP, Frames.ipv4(PEER, HOST, Frames.IPPROTO_TCP, 0, 1, 0x4000, 64, t));
    }

    private static void put(long at, byte[] f) {
        for (int i = 0; i < f.length; i++) {
            UnsafeApi.putByte(at + i, f[i]);
        }
    }

    /** As a driver's poll does it: a packet around bytes that the card has summed. */
    @HotPath
    private void inject(long frame, int len, int seq, int ack) {
        Cpu cpu = kernel.localBhDisable(0);
        SkBuff skb = Objects.requireNonNull(cpu.allocSkb(len + 66));
        skb.reserve(66);
        skb.put(len);
        long at = skb.dataAddress();
        UnsafeApi.copyMemory(frame, at, len);
        UnsafeApi.putInt(at + SEQ_OFFSET, Integer.reverseBytes(seq));
        UnsafeApi.putInt(at + ACK_OFFSET, Integer.reverseBytes(ack));
        skb.ipSummed = SkBuff.CHECKSUM_UNNECESSARY;
        skb.protocol = EthHdr.ethTypeTrans(skb, dev);
        Dev.netifReceiveSkb(cpu, skb);
        cpu.localBhEnable();
    }

    /** One in-order segment of {@link #MSS} bytes comes in. */
    @HotPath
    public void receiveSegment() {
        inject(dataFrame, HEADERS + MSS, seq, tp.sndNxt);
        seq += MSS;
    }

    /** The program reads a segment's worth. @return bytes read */
    @HotPath
    public int read() throws IOException {
        buffer.clear().limit(MSS);
        return socket.read(buffer);
    }

    /** The program writes a segment's worth, which goes out at once while the windows allow. @return bytes taken */
    @HotPath
    public int write() throws IOException {
        buffer.clear().limit(MSS);
        return socket.write(buffer);
    }

    /** The peer acknowledges all that was sent. */
    @HotPath
    public void acknowledge() {
        inject(ackFrame, HEADERS, seq, tp.sndNxt);
    }

    /** Frames that the stack sent. */
    public long sent() {
        return card.sent;
    }

    @Override
    public void close() {
        socket.close();
        listener.close();
        network.close();
        kernel.close();
        arena.close();
    }
}
