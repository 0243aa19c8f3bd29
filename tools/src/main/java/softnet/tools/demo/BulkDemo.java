package softnet.tools.demo;

import java.io.IOException;
import java.io.PrintWriter;
import java.util.HexFormat;

/** The bulk transfers of the demo: one each way. */
public final class BulkDemo {
    private BulkDemo() {}

    /** Runs both and says how they went. @return whether all digests are equal */
    public static boolean run(TwoHosts hosts, long bytes, PrintWriter out, boolean terminal) throws IOException {
        return one(hosts, true, bytes, out, terminal) & one(hosts, false, bytes, out, terminal);
    }

    private static boolean one(TwoHosts hosts, boolean upload, long bytes, PrintWriter out, boolean terminal)
            throws IOException {
        Transfer transfer = new Transfer(hosts, upload, bytes);
        boolean equal = transfer.run(new ProgressBar(out, terminal, upload ? "client -> server" : "server -> client"));
        out.println("                   SHA-256 "
                + HexFormat.of().formatHex(transfer.digest()).substring(0, 16)
                + (equal ? "... equal at both ends" : "... DIFFERS"));
        return equal;
    }
}
