package softnet.tools.demo;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import net.core.api.SoftServerSocket;
import net.core.api.SoftSocket;
import net.core.task.KernelThread;
import net.core.trace.Landmark;
import net.core.trace.PathTrace;
import net.core.trace.PathTrace.Step;

/** Sends one segment over an idle connection and keeps the landmarks that it passed on its way out and in. */
public final class SegmentWalk {
    /** Payload: more than any ACK, less than an MSS. */
    public static final int BYTES = 1000;

    private static final int CAPACITY = 1024;
    /** Longer than a delayed ACK, so that nothing else is on its way. */
    private static final long IDLE_NS = 300_000_000;

    private static final int ROUNDS = 3000;

    private SegmentWalk() {}

    /** The steps, from the write to the read. */
    public static List<Step> record(TwoHosts hosts) throws IOException {
        try (SoftServerSocket listener = hosts.listen(TwoHosts.PORT + 1);
                SoftSocket client = hosts.connect(TwoHosts.PORT + 1);
                SoftSocket server = listener.accept()) {
            ByteBuffer out = ByteBuffer.allocateDirect(BYTES);
            ByteBuffer in = ByteBuffer.allocateDirect(BYTES);
            KernelThread reader = hosts.kernel.threads().start("server", () -> {
                for (int i = 0; i <= ROUNDS; i++) {
                    readAll(server, in.clear());
                    server.writeFully(in.flip());
                }
            });
            ByteBuffer answer = ByteBuffer.allocateDirect(BYTES);
            // Warm up: a first pass would mostly show class loading.
            for (int i = 0; i < ROUNDS; i++) {
                client.writeFully(out.clear());
                readAll(client, answer.clear());
            }
            hosts.kernel.scheduler().sleep(IDLE_NS);
            PathTrace trace = PathTrace.start(hosts.kernel, CAPACITY);
            client.writeFully(out.clear());
            readAll(client, answer.clear());
            List<Step> all = trace.stop();
            hosts.kernel.threads().join(reader);
            return PathPicture.pick(all, Landmark.SOCK_SENDMSG, Landmark.TCP_RECVMSG, BYTES);
        }
    }

    private static void readAll(SoftSocket socket, ByteBuffer to) throws IOException {
        while (to.hasRemaining()) {
            if (socket.read(to) < 0) {
                throw new IOException("the connection ended early");
            }
        }
    }
}
