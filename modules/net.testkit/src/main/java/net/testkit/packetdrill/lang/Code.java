package net.testkit.packetdrill.lang;

/** A code block's text without its {@code %{ }%}. @param line where it begins in the source */
public record Code(int line, String text) implements Event.Action {}
