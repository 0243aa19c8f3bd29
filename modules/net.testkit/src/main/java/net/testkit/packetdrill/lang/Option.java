package net.testkit.packetdrill.lang;

/**
 * One {@code --name=value}, of a script or of the command line.
 *
 * @param value "" if none was given
 * @param line of the script, 0 for the command line
 */
public record Option(String name, String value, int line) {
    /** Reads {@code --name=value}, {@code --name} or {@code SYM=VAL} (a {@code -D}) of a command line. */
    public static Option define(String assignment) {
        return new Option("define", assignment, 0);
    }
}
