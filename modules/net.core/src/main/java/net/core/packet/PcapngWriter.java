package net.core.packet;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;

/**
 * Writes a capture file: one section, an interface block per device, an enhanced packet block per packet, time stamps in
 * nanoseconds.
 *
 * <p>Context: one thread.
 *
 * <p>The format is draft-ietf-opsawg-pcapng.
 */
public final class PcapngWriter implements AutoCloseable {
    /** Direction option: received. */
    public static final int INBOUND = 1;
    /** Direction option: sent. */
    public static final int OUTBOUND = 2;

    private static final int BLOCK_SHB = 0x0A0D0D0A;
    private static final int BLOCK_IDB = 1;
    private static final int BLOCK_EPB = 6;
    private static final int MAGIC = 0x1A2B3C4D;
    private static final int LINKTYPE_ETHERNET = 1;
    private static final int OPT_END = 0;
    private static final int SHB_USERAPPL = 4;
    private static final int IF_NAME = 2;
    private static final int IF_DESCRIPTION = 3;
    private static final int IF_TSRESOL = 9;
    private static final int EPB_FLAGS = 2;
    private static final int MAX_BLOCK = 512 * 1024;

    private final WritableByteChannel out;
    private final ByteBuffer buf = ByteBuffer.allocateDirect(MAX_BLOCK * 2).order(ByteOrder.LITTLE_ENDIAN);

    /** Begins a file. */
    public PcapngWriter(WritableByteChannel out) throws IOException {
        this.out = out;
        int at = begin(BLOCK_SHB);
        buf.putInt(MAGIC).putShort((short) 1).putShort((short) 0).putLong(-1L);
        option(SHB_USERAPPL, "softnet".getBytes(StandardCharsets.UTF_8));
        end(at);
    }

    private int begin(int type) throws IOException {
        if (buf.remaining() < MAX_BLOCK) {
            drain();
        }
        int at = buf.position();
        buf.putInt(type).putInt(0);
        return at;
    }

    /** Closes the options and the block, whose length stands at both ends. */
    private void end(int at) {
        buf.putShort((short) OPT_END).putShort((short) 0);
        int len = buf.position() - at + 4;
        buf.putInt(len);
        buf.putInt(at + 4, len);
    }

    private void option(int code, byte[] value) {
        buf.putShort((short) code).putShort((short) value.length).put(value);
        pad(value.length);
    }

    private void pad(int len) {
        for (int i = len; (i & 3) != 0; i++) {
            buf.put((byte) 0);
        }
    }

    /** Declares the next interface; the first is number 0. */
    public void writeInterface(String name, String description, int snaplen) throws IOException {
        int at = begin(BLOCK_IDB);
        buf.putShort((short) LINKTYPE_ETHERNET).putShort((short) 0).putInt(snaplen);
        option(IF_NAME, name.getBytes(StandardCharsets.UTF_8));
        option(IF_DESCRIPTION, description.getBytes(StandardCharsets.UTF_8));
        option(IF_TSRESOL, new byte[] {9});
        end(at);
    }

    /**
     * Writes one packet.
     *
     * @param iface number of its interface
     * @param tsNs since the epoch
     * @param direction {@link #INBOUND} or {@link #OUTBOUND}
     * @param data its captured bytes, position to limit
     * @param origLen its length on the wire
     */
    public void writePacket(int iface, long tsNs, int direction, ByteBuffer data, int origLen) throws IOException {
        int len = data.remaining();
        int at = begin(BLOCK_EPB);
        buf.putInt(iface)
                .putInt((int) (tsNs >>> 32))
                .putInt((int) tsNs)
                .putInt(len)
                .putInt(origLen);
        buf.put(data);
        pad(len);
        buf.putShort((short) EPB_FLAGS).putShort((short) 4).putInt(direction);
        end(at);
    }

    private void drain() throws IOException {
        buf.flip();
        while (buf.hasRemaining()) {
            out.write(buf);
        }
        buf.clear();
    }

    /** Gets everything into the file. */
    public void flush() throws IOException {
        drain();
    }

    @Override
    public void close() throws IOException {
        try {
            drain();
        } finally {
            out.close();
        }
    }
}
