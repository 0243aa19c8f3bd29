package net.testkit.packetdrill;

/** What a script wanted did not happen, or it cannot be run: the text is for the person. */
final class ScriptFailure extends RuntimeException {
    private static final long serialVersionUID = 1L;

    ScriptFailure(String message) {
        super(message, null, false, false);
    }
}
