package net.tcp;

/**
 * A parameter of a congestion control, in force for all its connections of a kernel: sysctl and boot word
 * {@code tcp_NAME.PARAMETER}.
 *
 * <p><b>Context:</b> read anywhere, racily; changed in process context.
 *
 * <p>Linux: module_param(), /sys/module/tcp_NAME/parameters.
 */
public final class CongParam {
    /** Without the module's name. */
    public final String name;
    /** In force now. */
    public int value;

    final int min;
    final int max;

    CongParam(String name, int value, int min, int max) {
        this.name = name;
        this.value = value;
        this.min = min;
        this.max = max;
    }

    /** A switch is on. */
    public boolean on() {
        return value != 0;
    }
}
