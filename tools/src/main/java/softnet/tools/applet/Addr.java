package softnet.tools.applet;

import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import net.core.UserError;
import net.core.sock.SockAddr;
import net.core.sock.SockAddrIn;
import org.jspecify.annotations.Nullable;

/** Addresses and ports as people write them. */
public final class Addr {
    private Addr() {}

    /**
     * An IPv4 address in host byte order, from a dotted quad or, through the machine's resolver, a name.
     *
     * @throws UserError one line
     */
    public static int host(String text) {
        int[] quad = quad(text);
        if (quad != null) {
            return quad[0];
        }
        try {
            for (InetAddress found : InetAddress.getAllByName(text)) {
                if (found instanceof Inet4Address) {
                    byte[] b = found.getAddress();
                    return (b[0] & 0xff) << 24 | (b[1] & 0xff) << 16 | (b[2] & 0xff) << 8 | b[3] & 0xff;
                }
            }
        } catch (UnknownHostException e) {
            // Said below.
        }
        throw new UserError("host '" + text + "': want an IPv4 address such as 10.9.0.1, or a name that has one");
    }

    /** A dotted quad in host byte order. @throws UserError one line */
    public static int literal(String text) {
        int[] quad = quad(text);
        if (quad == null) {
            throw new UserError("address '" + text + "': want four numbers such as 10.9.0.2");
        }
        return quad[0];
    }

    private static int @Nullable [] quad(String text) {
        String[] parts = text.split("\\.", -1);
        if (parts.length != 4) {
            return null;
        }
        int address = 0;
        for (String part : parts) {
            if (part.isEmpty() || part.length() > 3 || !part.chars().allMatch(c -> c >= '0' && c <= '9')) {
                return null;
            }
            int n = Integer.parseInt(part);
            if (n > 255) {
                return null;
            }
            address = address << 8 | n;
        }
        return new int[] {address};
    }

    /** A port from 1 to 65535. @throws UserError one line */
    public static int port(String text) {
        try {
            int port = Integer.parseInt(text);
            if (port > 0 && port < 65536) {
                return port;
            }
        } catch (NumberFormatException e) {
            // Said below.
        }
        throw new UserError("port '" + text + "': want a number from 1 to 65535");
    }

    /** An address in host order, and a port, for the socket API. */
    public static InetSocketAddress of(int address, int port) {
        byte[] bytes = {(byte) (address >>> 24), (byte) (address >>> 16), (byte) (address >>> 8), (byte) address};
        try {
            return new InetSocketAddress(InetAddress.getByAddress(bytes), port);
        } catch (UnknownHostException e) {
            throw new IllegalStateException(e);
        }
    }

    /** {@code 10.9.0.2:80}. */
    static String text(@Nullable InetSocketAddress addr) {
        return addr == null ? "?" : addr.getAddress().getHostAddress() + ":" + addr.getPort();
    }

    /** {@code 10.9.0.2:80}. */
    static String text(SockAddr addr) {
        return addr instanceof SockAddrIn in ? SockAddrIn.text(in.addr) + ":" + in.port : addr.toString();
    }
}
