package net.skbuff;

/** The device a packet came from or goes to, seen from below. */
public interface SkbDevice {
    String name();

    int ifindex();
}
