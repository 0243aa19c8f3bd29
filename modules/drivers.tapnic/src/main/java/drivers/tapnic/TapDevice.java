package drivers.tapnic;

import java.util.ArrayList;
import java.util.List;
import net.core.UserError;
import net.core.sys.Sys;
import net.skbuff.Errno;

/**
 * A TAP device of the host, opened with one descriptor for each queue. It says nothing of rings or packets: each queue
 * is a {@link Wire} that moves one frame with one system call.
 *
 * <p>Opening needs {@code /dev/net/tun} and, unless the device was made for this user beforehand, CAP_NET_ADMIN; what is
 * missing is said in one line.
 *
 * <p>Linux: drivers/net/tun.c, seen from user space
 */
public final class TapDevice implements AutoCloseable {
    private static final String CLONE_DEVICE = "/dev/net/tun";
    private static final int O_RDWR = 2;
    private static final int O_NONBLOCK = 0x800;
    private static final int O_CLOEXEC = 0x80000;

    private static final long TUNSETIFF = 0x400454caL;
    private static final long TUNSETOFFLOAD = 0x400454d0L;

    private static final int IFF_TAP = 0x0002;
    private static final int IFF_MULTI_QUEUE = 0x0100;
    private static final int IFF_NO_PI = 0x1000;
    private static final int IFF_VNET_HDR = 0x4000;

    private static final int TUN_F_CSUM = 0x01;
    private static final int TUN_F_TSO4 = 0x02;
    private static final int TUN_F_TSO6 = 0x04;
    private static final int TUN_F_TSO_ECN = 0x08;
    private static final int TUN_F_USO4 = 0x20;
    private static final int TUN_F_USO6 = 0x40;

    private final String name;
    private final List<Queue> queues = new ArrayList<>();
    private final boolean segmentsUdp;

    private TapDevice(String name, List<Queue> opened, boolean segmentsUdp) {
        this.name = name;
        this.segmentsUdp = segmentsUdp;
        queues.addAll(opened);
    }

    /**
     * Opens a TAP, making it if there is none of that name.
     *
     * @param name 1 to 15 characters; {@code %d} in it asks the host for a number
     * @param queues how many queues, 1 to 256
     * @param offload whether the host may hand over and take frames with partial checksums and unsegmented
     * @throws UserError when the device or the right to use it is missing
     */
    public static TapDevice open(String name, int queues, boolean offload) {
        List<Queue> opened = new ArrayList<>();
        String actual = name;
        boolean uso = false;
        try {
            for (int i = 0; i < queues; i++) {
                int fd = Sys.open(CLONE_DEVICE, O_RDWR | O_NONBLOCK | O_CLOEXEC);
                if (fd < 0) {
                    throw cannotOpen(fd);
                }
                opened.add(new Queue(fd));
                actual = attach(fd, actual, queues > 1);
                uso = offload(fd, offload);
            }
            return new TapDevice(actual, opened, uso);
        } catch (RuntimeException e) {
            opened.forEach(Queue::close);
            throw e;
        }
    }

    private static UserError cannotOpen(int rc) {
        String reason = switch (-rc) {
            case Errno.ENOENT -> "no such file: load the tun module or make the device node";
            case Errno.EACCES, Errno.EPERM -> "permission denied: run as root or with CAP_NET_ADMIN";
            default -> Errno.name(-rc) + " (" + Errno.text(-rc) + ")";
        };
        return new UserError(CLONE_DEVICE + ": " + reason);
    }

    private static String attach(int fd, String name, boolean multiQueue) {
        try (IfReq request = new IfReq(name)) {
            request.flags(IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | (multiQueue ? IFF_MULTI_QUEUE : 0));
            int rc = Sys.ioctl(fd, TUNSETIFF, request.address());
            if (rc < 0) {
                String reason = switch (-rc) {
                    case Errno.EPERM ->
                        "needs CAP_NET_ADMIN: run as root, or make it first with" + " 'ip tuntap add dev " + name
                                + " mode tap vnet_hdr user NAME'";
                    case Errno.EBUSY -> "is in use by another program";
                    case Errno.EINVAL ->
                        "exists with other flags: want mode tap vnet_hdr"
                                + (multiQueue ? " multi_queue" : " without multi_queue");
                    default -> Errno.name(-rc) + " (" + Errno.text(-rc) + ")";
                };
                throw new UserError("TAP device '" + name + "': " + reason);
            }
            return request.name();
        }
    }

    /** Asks for all the offloads the host knows; an older one that lacks UDP segmentation is asked again without. */
    private static boolean offload(int fd, boolean on) {
        if (!on) {
            Sys.ioctl(fd, TUNSETOFFLOAD, 0);
            return false;
        }
        int tcp = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
        if (Sys.ioctl(fd, TUNSETOFFLOAD, tcp | TUN_F_USO4 | TUN_F_USO6) >= 0) {
            return true;
        }
        int rc = Sys.ioctl(fd, TUNSETOFFLOAD, tcp);
        if (rc < 0) {
            throw new UserError("TAP offloads: " + Errno.name(-rc) + ": use --no-offload");
        }
        return false;
    }

    public String name() {
        return name;
    }

    public int queueCount() {
        return queues.size();
    }

    public Wire queue(int index) {
        return queues.get(index);
    }

    /** Whether the host takes UDP datagrams unsegmented (USO, Linux 6.2 and later). */
    public boolean segmentsUdp() {
        return segmentsUdp;
    }

    @Override
    public void close() {
        queues.forEach(Queue::close);
    }

    private static final class Queue implements Wire {
        private int fd;

        Queue(int fd) {
            this.fd = fd;
        }

        @Override
        public int transmit(long iov, int count) {
            return (int) Sys.writev(fd, iov, count);
        }

        @Override
        public int receive(long iov, int count) {
            return (int) Sys.readv(fd, iov, count);
        }

        @Override
        public int fd() {
            return fd;
        }

        @Override
        public void close() {
            if (fd >= 0) {
                Sys.close(fd);
                fd = -1;
            }
        }
    }
}
