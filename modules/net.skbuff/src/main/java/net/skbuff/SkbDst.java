package net.skbuff;

/** The route a packet follows, seen from below. Not counted: the garbage collector is the grace period. */
public interface SkbDst {}
