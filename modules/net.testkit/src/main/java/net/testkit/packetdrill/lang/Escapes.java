package net.testkit.packetdrill.lang;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/** Undoes the escapes of C strings. */
public final class Escapes {
    private Escapes() {}

    /** Bytes of a string with {@code \n \t \r \0 \\ \" \xNN} and octal {@code \NNN}; another escaped character is itself. */
    public static byte[] bytes(String raw) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        int i = 0;
        while (i < raw.length()) {
            char c = raw.charAt(i++);
            if (c != '\\' || i == raw.length()) {
                out.writeBytes(String.valueOf(c).getBytes(StandardCharsets.UTF_8));
                continue;
            }
            char e = raw.charAt(i++);
            int digit = Character.digit(e, 8);
            if (e == 'x' || digit >= 0) {
                int radix = e == 'x' ? 16 : 8;
                int most = e == 'x' ? 2 : 3;
                int from = e == 'x' ? i : i - 1;
                int to = from;
                while (to < raw.length() && to < from + most && Character.digit(raw.charAt(to), radix) >= 0) {
                    to++;
                }
                out.write(to == from ? 'x' : Integer.parseInt(raw, from, to, radix));
                i = to;
            } else {
                out.write(
                        switch (e) {
                            case 'n' -> '\n';
                            case 't' -> '\t';
                            case 'r' -> '\r';
                            default -> e;
                        });
            }
        }
        return out.toByteArray();
    }
}
