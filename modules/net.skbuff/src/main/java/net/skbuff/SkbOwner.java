package net.skbuff;

/** What an {@link SkBuff} is accounted to: a sock, seen from below. */
public interface SkbOwner {}
