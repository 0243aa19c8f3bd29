package net.testkit.packetdrill.lang;

/** A shell command between back quotes. @param line where it begins in the source */
public record Command(int line, String text) implements Event.Action {}
