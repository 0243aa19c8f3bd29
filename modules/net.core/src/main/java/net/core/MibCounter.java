package net.core;

/** A counter of a group, implemented by the group's enum. Linux: include/uapi/linux/snmp.h */
public interface MibCounter {
    /** The name as nstat prints it, without the group: {@code TCPHPHits}. */
    String mibName();

    /** {@link Enum#ordinal}. */
    int ordinal();
}
