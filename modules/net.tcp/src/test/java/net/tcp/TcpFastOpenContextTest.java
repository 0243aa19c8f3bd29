package net.tcp;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HexFormat;
import java.util.Objects;
import org.junit.jupiter.api.Test;

class TcpFastOpenContextTest {
    private static final String TWO = "a0bf63f7-ed803d81-cd641d30-cebc4a90,a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4d4";

    private static String cookie(String key, int which, int peer, int local) {
        TcpFastOpenContext ctx = Objects.requireNonNull(TcpFastOpenContext.parse(key));
        return HexFormat.of().formatHex(ctx.cookie(which, peer, local).value());
    }

    @Test
    void shouldMakeTheCookiesThatLinuxMakes() {
        int peer = 0x0af80002; // 10.248.0.2
        int local = 0xc0a80002; // 192.168.0.2
        assertThat(cookie("a0bf63f7-ed803d81-cd641d30-cebc4a90", 0, peer, local))
                .isEqualTo("00abaaabe8e954c2");
        assertThat(cookie("a0bf63f7-ed803d81-cd641d30-cebc4a90", 0, peer + 1, local))
                .isEqualTo("1313a2da994a0951");
        assertThat(cookie(TWO, 1, 0xc0000201, 0xc0a80001)).isEqualTo("3021b9d889017eeb");
        assertThat(cookie("0-0-0-0", 0, 0xc0000201, 0xc0a80001)).isEqualTo("b7c12350a90dc8f5");
    }

    @Test
    void shouldReadAndWriteTheSysctlsForm() {
        assertThat(TcpFastOpenContext.parse(TWO)).hasToString(TWO);
        assertThat(TcpFastOpenContext.parse("1-2-3-4")).hasToString("00000001-00000002-00000003-00000004");
        assertThat(TcpFastOpenContext.parse("1-2-3")).isNull();
        assertThat(TcpFastOpenContext.parse("1-2-3-g")).isNull();
        assertThat(TcpFastOpenContext.parse("1-2-3-4,1-2-3-4,1-2-3-4")).isNull();
    }
}
