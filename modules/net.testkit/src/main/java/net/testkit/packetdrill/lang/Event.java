package net.testkit.packetdrill.lang;

/** Something that happens, or is to be seen, at a time. @param line where it begins in the source, from 1 */
public record Event(int line, Time time, Action action) {
    /** What an event is. */
    public sealed interface Action permits Packet, Syscall, Command, Code {}

    /**
     * When. All numbers are microseconds.
     *
     * @param usecs the time, or the range's start; 0 for {@link Kind#ANY}
     * @param endUsecs the range's end; equal to {@code usecs} where there is no range
     */
    public record Time(Kind kind, long usecs, long endUsecs) {
        public boolean isRange() {
            return kind == Kind.RANGE || kind == Kind.RELATIVE_RANGE;
        }

        public boolean isRelative() {
            return kind == Kind.RELATIVE || kind == Kind.RELATIVE_RANGE;
        }
    }

    public enum Kind {
        /** {@code 1.5}: since the script's start. */
        ABSOLUTE,
        /**
         * {@code +t}: since the event is reached or, between two inbound packets, since the previous one's scheduled time.
         */
        RELATIVE,
        /** {@code *}: outbound packets only. */
        ANY,
        /** {@code a~b}: outbound packets only. */
        RANGE,
        /** {@code +a~+b}: outbound packets only. */
        RELATIVE_RANGE
    }
}
