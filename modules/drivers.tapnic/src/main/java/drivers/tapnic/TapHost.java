package drivers.tapnic;

import net.core.UserError;
import net.core.sys.Sys;
import net.skbuff.Errno;

/**
 * The host's side of a TAP device: address, MTU and the up flag, set through the interface ioctls of an ordinary
 * socket. What {@code ip addr add} and {@code ip link set up} do.
 *
 * <p>Context: start-up, any thread. Needs CAP_NET_ADMIN.
 */
public final class TapHost {
    private static final long SIOCGIFFLAGS = 0x8913;
    private static final long SIOCSIFFLAGS = 0x8914;
    private static final long SIOCSIFADDR = 0x8916;
    private static final long SIOCSIFNETMASK = 0x891c;
    private static final long SIOCSIFMTU = 0x8922;
    private static final int IFF_UP = 1;
    private static final int AF_INET = 2;
    private static final int SOCK_DGRAM = 2;

    private TapHost() {}

    /** Gives the host's interface an address (host order) and prefix length, and sets it up. */
    public static void configure(String name, int address, int prefixLength) {
        withSocket(name, (fd, request) -> {
            request.inetAddress(address);
            check(Sys.ioctl(fd, SIOCSIFADDR, request.address()), name, "set address");
            request.inetAddress(prefixLength == 0 ? 0 : -1 << (32 - prefixLength));
            check(Sys.ioctl(fd, SIOCSIFNETMASK, request.address()), name, "set netmask");
        });
        up(name);
    }

    public static void up(String name) {
        withSocket(name, (fd, request) -> {
            check(Sys.ioctl(fd, SIOCGIFFLAGS, request.address()), name, "read flags");
            request.flags(request.flags() | IFF_UP);
            check(Sys.ioctl(fd, SIOCSIFFLAGS, request.address()), name, "set up");
        });
    }

    public static void mtu(String name, int mtu) {
        withSocket(name, (fd, request) -> {
            request.value(mtu);
            check(Sys.ioctl(fd, SIOCSIFMTU, request.address()), name, "set mtu " + mtu);
        });
    }

    private static void check(int rc, String name, String what) {
        if (rc < 0) {
            throw new UserError("host interface " + name + ": " + what + ": " + Errno.text(-rc)
                    + (rc == -Errno.EPERM ? ": run as root or with CAP_NET_ADMIN" : ""));
        }
    }

    private static void withSocket(String name, Use use) {
        int fd = Sys.socket(AF_INET, SOCK_DGRAM, 0);
        if (fd < 0) {
            throw new UserError("host interface " + name + ": socket: " + Errno.text(-fd));
        }
        try (IfReq request = new IfReq(name)) {
            use.with(fd, request);
        } finally {
            Sys.close(fd);
        }
    }

    @FunctionalInterface
    private interface Use {
        void with(int fd, IfReq request);
    }
}
