package net.testkit.packetdrill;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import net.core.sock.OptVal;
import net.testkit.packetdrill.lang.Expr;

/**
 * The value of TCP_MD5SIG, {@code {tcpm_addr=inet_addr("192.0.2.1"), tcpm_flags=0, tcpm_prefixlen=24, tcpm_ifindex=0,
 * tcpm_key="secret"}}; what is left out is 0, and an address of {@code ...} is of no family.
 *
 * <p>Linux: struct tcp_md5sig, include/uapi/linux/tcp.h
 */
final class Md5Sig {
    private static final int SIZE = 216;
    private static final int KEY = 80;

    private Md5Sig() {}

    static OptVal optval(Expr.Braces fields) {
        ByteBuffer b = ByteBuffer.allocate(SIZE).order(ByteOrder.nativeOrder());
        for (Expr e : fields.items()) {
            if (!(e instanceof Expr.Assign a)) {
                throw new ScriptFailure("wants name=value in a struct tcp_md5sig");
            }
            switch (a.name()) {
                case "tcpm_addr" -> address(b, a.value());
                case "tcpm_flags" -> b.put(128, (byte) Args.value(a.value(), a.name()));
                case "tcpm_prefixlen" -> b.put(129, (byte) Args.value(a.value(), a.name()));
                case "tcpm_ifindex" -> b.putInt(132, (int) Args.value(a.value(), a.name()));
                case "tcpm_key" -> key(b, a.value());
                default ->
                    throw new ScriptFailure("struct tcp_md5sig has no field '" + a.name()
                            + "' (tcpm_addr, tcpm_flags, tcpm_prefixlen, tcpm_ifindex, tcpm_key)");
            }
        }
        return new OptVal(b.array());
    }

    private static void address(ByteBuffer b, Expr value) {
        if (value instanceof Expr.Ellipsis) {
            return;
        }
        if (!(value instanceof Expr.Address a) || a.ipv6()) {
            throw new ScriptFailure("wants inet_addr(\"...\") as tcpm_addr");
        }
        b.putShort(0, (short) net.core.sock.SockConst.AF_INET);
        String[] parts = a.text().split("\\.", -1);
        if (parts.length != 4 || !Arrays.stream(parts).allMatch(p -> p.matches("\\d{1,3}"))) {
            throw new ScriptFailure("no IPv4 address: " + a.text());
        }
        for (int i = 0; i < 4; i++) {
            b.put(4 + i, (byte) Integer.parseInt(parts[i]));
        }
    }

    private static void key(ByteBuffer b, Expr value) {
        if (!(value instanceof Expr.Str s)) {
            throw new ScriptFailure("wants a string as tcpm_key");
        }
        byte[] key = Args.bytes(s);
        b.putShort(130, (short) key.length);
        b.put(136, key, 0, Math.min(key.length, KEY));
    }
}
