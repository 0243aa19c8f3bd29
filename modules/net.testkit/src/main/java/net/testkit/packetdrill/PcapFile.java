package net.testkit.packetdrill;

import java.io.BufferedOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A capture file of bare IP packets with nanoseconds (pcap, link type RAW), big-endian. */
final class PcapFile implements AutoCloseable {
    private static final int MAGIC_NS = 0xa1b23c4d;
    private static final int LINKTYPE_RAW = 101;
    private static final int SNAPLEN = 1 << 18;

    private final DataOutputStream out;

    PcapFile(Path path) {
        try {
            Path dir = path.getParent();
            if (dir != null) {
                Files.createDirectories(dir);
            }
            out = new DataOutputStream(new BufferedOutputStream(Files.newOutputStream(path)));
            out.writeInt(MAGIC_NS);
            out.writeShort(2);
            out.writeShort(4);
            out.writeLong(0);
            out.writeInt(SNAPLEN);
            out.writeInt(LINKTYPE_RAW);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    void write(long realNs, byte[] bytes) {
        try {
            out.writeInt((int) (realNs / 1_000_000_000L));
            out.writeInt((int) (realNs % 1_000_000_000L));
            out.writeInt(bytes.length);
            out.writeInt(bytes.length);
            out.write(bytes);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        try {
            out.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
