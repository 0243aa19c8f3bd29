package net.core.dev;

/** Numbers of the events on {@link DevGlobals#netdevChain}; the data is the device. Linux: enum netdev_cmd */
public final class NetdevEvent {
    /** Up. */
    public static final int NETDEV_UP = 1;
    /** Down: its addresses stay, its routes go. */
    public static final int NETDEV_DOWN = 2;
    /** Flags or carrier changed. */
    public static final int NETDEV_CHANGE = 4;
    /** Registered. */
    public static final int NETDEV_REGISTER = 5;
    /** Unregistering: let go of it. */
    public static final int NETDEV_UNREGISTER = 6;
    /** MTU changed. */
    public static final int NETDEV_CHANGEMTU = 7;
    /** Address changed. */
    public static final int NETDEV_CHANGEADDR = 8;
    /** About to go down. */
    public static final int NETDEV_GOING_DOWN = 9;
    /** Renamed. */
    public static final int NETDEV_CHANGENAME = 10;
    /** Features changed. */
    public static final int NETDEV_FEAT_CHANGE = 11;
    /** About to come up; a listener may veto. */
    public static final int NETDEV_PRE_UP = 13;
    /** Queue length changed. */
    public static final int NETDEV_CHANGE_TX_QUEUE_LEN = 30;

    private NetdevEvent() {}
}
