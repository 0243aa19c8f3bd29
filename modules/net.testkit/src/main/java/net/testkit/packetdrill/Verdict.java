package net.testkit.packetdrill;

/**
 * What came of one script.
 *
 * @param seconds wall time the run took
 * @param error why it did not pass, several lines (expected against actual, the last packets); empty if it passed
 * @param line line of the script where it stopped, 0 if none
 */
public record Verdict(Result result, double seconds, String error, int line) {
    public enum Result {
        PASS,
        FAIL,
        /** The script asks for what this run does not offer, such as another IP version. */
        SKIP
    }

    public static Verdict pass(double seconds) {
        return new Verdict(Result.PASS, seconds, "", 0);
    }

    public static Verdict fail(double seconds, String error, int line) {
        return new Verdict(Result.FAIL, seconds, error, line);
    }

    public static Verdict skip(double seconds, String why, int line) {
        return new Verdict(Result.SKIP, seconds, why, line);
    }
}
