package net.testkit.packetdrill.lang;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class SymbolsTest {
    @Test
    void shouldGiveLinuxValues() {
        assertThat(Symbols.value("AF_INET6")).isEqualTo(10);
        assertThat(Symbols.value("SO_ZEROCOPY")).isEqualTo(60);
        assertThat(Symbols.value("MSG_FASTOPEN")).isEqualTo(0x20000000);
        assertThat(Symbols.value("EPOLLET")).isEqualTo(0x80000000L);
        assertThat(Symbols.value("SOF_TIMESTAMPING_OPT_STATS")).isEqualTo(1 << 12);
        assertThat(Symbols.value("TCPI_OPT_TFO_CHILD")).isEqualTo(128);
        assertThat(Symbols.value("TCP_CA_Loss")).isEqualTo(4);
        assertThat(Symbols.value("TCP_NLA_SRTT")).isEqualTo(22);
        assertThat(Symbols.value("NO_SUCH_THING")).isNull();
    }

    @Test
    void shouldNameErrors() {
        assertThat(Symbols.errnoName(11)).isEqualTo("EAGAIN");
        assertThat(Symbols.errnoName(115)).isEqualTo("EINPROGRESS");
        assertThat(Symbols.errnoName(9999)).isEqualTo("9999");
    }

    @Test
    void shouldUndoEscapes() {
        assertThat(Escapes.bytes("a\\n\\x41\\0\\101\\\\\\\"\\xff"))
                .containsExactly('a', '\n', 'A', 0, 'A', '\\', '"', 0xff);
        assertThat(Escapes.bytes("\\xa1\\xb2")).containsExactly(0xa1, 0xb2);
    }

    @Test
    void shouldReadNumbersAsCDoes() {
        assertThat(Numbers.parseC("0x1F")).isEqualTo(31);
        assertThat(Numbers.parseC("017")).isEqualTo(15);
        assertThat(Numbers.parseC("-5")).isEqualTo(-5);
        assertThat(Numbers.parseC("0")).isZero();
        assertThat(Numbers.parseC("18446744073709551615")).isEqualTo(-1);
        assertThat(Numbers.parseC("5x")).isNull();
        assertThat(Numbers.parseC("")).isNull();
        assertThat(Numbers.parseC("-+5")).isNull();
        assertThat(Numbers.usecs(".0000019")).isEqualTo(1);
    }
}
