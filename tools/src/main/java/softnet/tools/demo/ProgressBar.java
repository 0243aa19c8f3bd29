package softnet.tools.demo;

import java.io.PrintWriter;
import java.util.Locale;

/** A line that grows while something is moved. On what is no terminal only its last state is written. */
final class ProgressBar {
    private static final int WIDTH = 32;

    private final PrintWriter out;
    private final boolean live;
    private final String title;
    private final long startNs;

    ProgressBar(PrintWriter out, boolean live, String title) {
        this.out = out;
        this.live = live;
        this.title = title;
        this.startNs = System.nanoTime();
    }

    void draw(long done, long all) {
        if (live) {
            out.print("\r" + line(done, all, System.nanoTime() - startNs));
            out.flush();
        }
    }

    void done(long done, long all) {
        out.println((live ? "\r" : "") + line(done, all, System.nanoTime() - startNs));
    }

    String line(long done, long all, long elapsedNs) {
        int filled = all == 0 ? WIDTH : (int) (done * WIDTH / all);
        double seconds = Math.max(elapsedNs, 1) / 1e9;
        return String.format(
                Locale.ROOT,
                "%-18s [%s%s] %3d %%  %6.1f MiB  %5.2f Gbit/s",
                title,
                "#".repeat(filled),
                ".".repeat(WIDTH - filled),
                all == 0 ? 100 : done * 100 / all,
                done / 1048576.0,
                done * 8 / seconds / 1e9);
    }
}
