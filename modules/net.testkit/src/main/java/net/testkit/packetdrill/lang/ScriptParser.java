package net.testkit.packetdrill.lang;

import java.util.List;

/** Reads a script. */
public final class ScriptParser {
    private ScriptParser() {}

    /**
     * Parses a whole script.
     *
     * @param path for messages
     * @param commandLine options that override the script's, among them the definitions ({@link Option#define})
     * @throws ScriptException with one line that says where and what
     */
    public static Script parse(String path, String text, List<Option> commandLine) throws ScriptException {
        throw new ScriptException(path, 0, 0, "nothing reads scripts yet");
    }
}
