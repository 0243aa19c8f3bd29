package softnet.tools.demo;

import java.io.IOException;
import java.util.List;
import net.core.BootParams;
import net.core.trace.PathTrace.Step;

/** One of the ways in which control enters and leaves the stack, made to happen. */
public interface Flow {
    /** A few words. */
    String title();

    /** What happens and what made it happen, in a few lines. */
    String story();

    /** Boots a kernel in virtual time, makes it happen and returns the landmarks passed. */
    List<Step> record(BootParams params) throws IOException;
}
