package net.testkit;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.DigestException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
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
import net.core.sock.SockConst;
import net.core.sock.Socket;
import net.ipv4.Ipv4Admin;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import net.tcp.TcpConst;
import net.tcp.TcpMd5Sig;
import net.tcp.TcpSock;
import org.agrona.UnsafeApi;
import org.jspecify.annotations.Nullable;

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
    private static final int SEQ_OFFSET = 14 + 20 + 4;
    private static final int ACK_OFFSET = 14 + 20 + 8;
    private static final int ISN = 1000;
    private static final int MAX_HEADERS = 14 + 20 + 60;

    public final Kernel kernel;
    private final NetDevice dev;
    private final NullCard card = new NullCard();
    private final SoftNetwork network;
    private final SoftServerSocket listener;
    private final SoftSocket socket;
    private final TcpSock tp;
    private final Arena arena = Arena.ofShared();
    private final long dataFrame = arena.allocate(MAX_HEADERS + MSS, 64).address();
    private final long ackFrame = arena.allocate(MAX_HEADERS, 64).address();
    private final ByteBuffer buffer = ByteBuffer.allocateDirect(64 * 1024);
    private int seq = ISN;
    private final int headers;

    /** Signs and expects signatures (RFC 2385); null: without. */
    private final @Nullable Signer signer;

    private SegmentPump(@Nullable Signer signer, String... words) throws IOException {
        this.signer = signer;
        headers = 14 + 20 + (signer == null ? 32 : 40);
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
        if (signer != null) {
            network.process()
                    .syscalls()
                    .setsockopt(
                            listener.fd(), SockConst.SOL_TCP, TcpConst.TCP_MD5SIG, TcpMd5Sig.of(PEER, signer.secret));
        }
        socket = handshake();
        Socket s = Objects.requireNonNull(
                Objects.requireNonNull(network.process().files().get(socket.fd()))
                        .socket());
        tp = (TcpSock) Objects.requireNonNull(s.sk);
        byte[] options = options();
        put(dataFrame, segment(Segment.ACK, 0, options, MSS));
        put(ackFrame, segment(Segment.ACK, 0, options, 0));
    }

    /** Boots a live kernel of one CPU and connects. The words come after those. */
    public static SegmentPump open(String... words) throws IOException {
        String[] all = new String[words.length + 2];
        all[0] = "clock=live";
        all[1] = "cpus=1";
        System.arraycopy(words, 0, all, 2, words.length);
        return new SegmentPump(null, all);
    }

    /** The same with every segment signed (RFC 2385). */
    public static SegmentPump openSigned() throws IOException {
        return new SegmentPump(new Signer("secret".getBytes(StandardCharsets.US_ASCII)), "clock=live", "cpus=1");
    }

    /** Signs frames in place. */
    private static final class Signer {
        final byte[] secret;
        private final MessageDigest md5;
        private final byte[] digest = new byte[16];
        private final byte[] bytes = new byte[12 + 40 + MSS];

        Signer(byte[] secret) {
            this.secret = secret;
            try {
                md5 = MessageDigest.getInstance("MD5");
            } catch (NoSuchAlgorithmException e) {
                throw new IllegalStateException("every JDK has MD5", e);
            }
        }

        /** Puts the signature at the end of a frame's options; {@code len} bytes in all, {@code payload} of data. */
        @SuppressWarnings("NullAway") // a null base means an absolute address
        void sign(long frame, int len, int payload) {
            long base = UnsafeApi.arrayBaseOffset(byte[].class);
            int tcp = len - 34;
            UnsafeApi.copyMemory(null, frame + 26, bytes, base, 8);
            bytes[9] = 6;
            bytes[10] = (byte) (tcp >> 8);
            bytes[11] = (byte) tcp;
            UnsafeApi.copyMemory(null, frame + 34, bytes, base + 12, 20);
            bytes[12 + 16] = 0;
            bytes[12 + 17] = 0;
            UnsafeApi.copyMemory(null, frame + len - payload, bytes, base + 32, payload);
            md5.update(bytes, 0, 32 + payload);
            md5.update(secret, 0, secret.length);
            try {
                md5.digest(digest, 0, digest.length);
            } catch (DigestException e) {
                throw new IllegalStateException(e);
            }
            UnsafeApi.copyMemory(digest, base, null, frame + len - payload - digest.length, digest.length);
        }
    }

    /** Options of a segment after the handshake. */
    private byte[] options() {
        byte[] stamp = {1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0};
        byte[] signature = new byte[20];
        signature[0] = 1;
        signature[1] = 1;
        signature[2] = 19;
        signature[3] = 18;
        return signer == null ? stamp : signature;
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
        byte[] plain = {2, 4, 5, (byte) 180, 1, 3, 3, 7, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0};
        byte[] signed = Arrays.copyOf(new byte[] {2, 4, 5, (byte) 180, 1, 3, 3, 7, 4, 2, 19, 18}, 28);
        receive(Segment.SYN, 0, signer == null ? plain : signed);
        seq++;
        receive(Segment.ACK, card.synAckSeq + 1, options());
        SoftSocket s = listener.accept();
        s.setOption(java.net.StandardSocketOptions.TCP_NODELAY, true);
        return s;
    }

    private void receive(int flags, int ack, byte[] options) {
        byte[] f = segment(flags, ack, options, 0);
        put(dataFrame, f);
        inject(dataFrame, f.length, 0, seq, ack);
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
    private void inject(long frame, int len, int payload, int seq, int ack) {
        Cpu cpu = kernel.localBhDisable(0);
        SkBuff skb = Objects.requireNonNull(cpu.allocSkb(len + 66));
        skb.reserve(66);
        skb.put(len);
        long at = skb.dataAddress();
        UnsafeApi.copyMemory(frame, at, len);
        UnsafeApi.putInt(at + SEQ_OFFSET, Integer.reverseBytes(seq));
        UnsafeApi.putInt(at + ACK_OFFSET, Integer.reverseBytes(ack));
        if (signer != null) {
            signer.sign(at, len, payload);
        }
        skb.ipSummed = SkBuff.CHECKSUM_UNNECESSARY;
        skb.protocol = EthHdr.ethTypeTrans(skb, dev);
        Dev.netifReceiveSkb(cpu, skb);
        cpu.localBhEnable();
    }

    /** One in-order segment of {@link #MSS} bytes comes in. */
    @HotPath
    public void receiveSegment() {
        inject(dataFrame, headers + MSS, MSS, seq, tp.sndNxt);
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
        inject(ackFrame, headers, 0, seq, tp.sndNxt);
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
