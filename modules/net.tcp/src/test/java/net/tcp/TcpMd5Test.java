package net.tcp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Objects;
import java.util.SplittableRandom;
import net.core.sock.OptVal;
import net.skbuff.Errno;
import net.skbuff.Page;
import net.skbuff.SkBuff;
import org.agrona.UnsafeApi;
import org.junit.jupiter.api.Test;

/** Signatures and keys by themselves; what they do to connections is in the scripts of {@code md5}. */
class TcpMd5Test {
    private static final int LOCAL = 0x0a000001;
    private static final int PEER = 0x0a000002;

    private static byte[] secret(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    private static int set(TcpBench b, int addr, String secret) {
        return TcpMd5.setsockopt(b.tp, TcpConst.TCP_MD5SIG, TcpMd5Sig.of(addr, secret(secret)));
    }

    private static int setNet(TcpBench b, int addr, int prefixlen, String secret) {
        return TcpMd5.setsockopt(b.tp, TcpConst.TCP_MD5SIG_EXT, TcpMd5Sig.of(addr, prefixlen, secret(secret)));
    }

    private static String keyFor(TcpBench b, int peer) {
        TcpMd5Key key = TcpMd5.keyFor(b.tp, peer);
        return key == null ? "none" : new String(key.secret, StandardCharsets.US_ASCII);
    }

    private static byte[] signature(TcpBench b, SkBuff skb) {
        Page page = b.cpu.allocPage(64);
        TcpMd5Key key = Objects.requireNonNull(TcpMd5.keyFor(b.tp, PEER));
        TcpMd5Hash.sign(b.cpu, key, LOCAL, PEER, skb, page.address());
        byte[] digest = new byte[TcpMd5Hash.LENGTH];
        for (int i = 0; i < digest.length; i++) {
            digest[i] = UnsafeApi.getByte(page.address() + i);
        }
        page.put(b.cpu);
        return digest;
    }

    /** RFC 2385 2.0, byte by byte. */
    private static byte[] expected(SkBuff skb, int length, String secret) throws Exception {
        ByteBuffer head = ByteBuffer.allocate(32);
        head.putInt(LOCAL).putInt(PEER).putShort((short) 6).putShort((short) (TcpHdr.LENGTH + length));
        for (int i = 0; i < TcpHdr.LENGTH; i++) {
            boolean check = i == TcpHdr.CHECK_OFFSET || i == TcpHdr.CHECK_OFFSET + 1;
            head.put(check ? 0 : UnsafeApi.getByte(skb.transportAddress() + i));
        }
        MessageDigest md5 = MessageDigest.getInstance("MD5");
        md5.update(head.array());
        for (int i = 0; i < length; i++) {
            md5.update(TcpBench.streamByte(7 + i));
        }
        return md5.digest(secret(secret));
    }

    @Test
    void shouldSignHeaderAndDataWhereverTheyLie() throws Exception {
        try (TcpBench b = new TcpBench()) {
            assertThat(set(b, PEER, "a secret")).isZero();
            for (int length : new int[] {0, 1, 55, 1460, 4096, 4097, 40_000}) {
                SkBuff skb = b.segment(7, length, 9, TcpHdr.ACK, 100);
                new TcpHdr().wrap(skb).check(0x1234);
                assertThat(signature(b, skb)).as("%d bytes", length).isEqualTo(expected(skb, length, "a secret"));
                skb.consume(b.cpu);
            }
        }
    }

    @Test
    void shouldTellOtherSecretsAddressesAndData() {
        long seed = System.nanoTime();
        System.out.println("seed " + seed);
        SplittableRandom random = new SplittableRandom(seed);
        try (TcpBench b = new TcpBench()) {
            set(b, PEER, "secret");
            TcpMd5Key key = Objects.requireNonNull(TcpMd5.keyFor(b.tp, PEER));
            SkBuff skb = b.segment(7, 5000, 9, TcpHdr.ACK, 100);
            Page page = b.cpu.allocPage(64);
            TcpMd5Hash.sign(b.cpu, key, LOCAL, PEER, skb, page.address());
            assertThat(TcpMd5Hash.matches(b.cpu, key, LOCAL, PEER, skb, page.address()))
                    .isTrue();
            assertThat(TcpMd5Hash.matches(b.cpu, key, PEER, LOCAL, skb, page.address()))
                    .isFalse();
            int bit = random.nextInt(8 * TcpMd5Hash.LENGTH);
            long at = page.address() + bit / 8;
            UnsafeApi.putByte(at, (byte) (UnsafeApi.getByte(at) ^ 1 << bit % 8));
            assertThat(TcpMd5Hash.matches(b.cpu, key, LOCAL, PEER, skb, page.address()))
                    .isFalse();
            UnsafeApi.putByte(at, (byte) (UnsafeApi.getByte(at) ^ 1 << bit % 8));
            long data = skb.shinfo().fragAddress(random.nextInt(2)) + random.nextInt(900);
            UnsafeApi.putByte(data, (byte) (UnsafeApi.getByte(data) + 1));
            assertThat(TcpMd5Hash.matches(b.cpu, key, LOCAL, PEER, skb, page.address()))
                    .isFalse();
            page.put(b.cpu);
            skb.consume(b.cpu);
        }
    }

    @Test
    void shouldFindTheKeyOfTheLongestNetwork() {
        try (TcpBench b = new TcpBench()) {
            assertThat(keyFor(b, PEER)).isEqualTo("none");
            assertThat(setNet(b, 0, 0, "all")).isZero();
            assertThat(setNet(b, 0x0a000000, 8, "eight")).isZero();
            assertThat(setNet(b, 0x0a0000ff, 24, "twenty-four")).isZero();
            assertThat(set(b, PEER, "host")).isZero();
            assertThat(keyFor(b, PEER)).isEqualTo("host");
            assertThat(keyFor(b, PEER + 1)).isEqualTo("twenty-four");
            assertThat(keyFor(b, 0x0a010000)).isEqualTo("eight");
            assertThat(keyFor(b, 0xc0000201)).isEqualTo("all");
            assertThat(set(b, PEER, "another")).isZero();
            assertThat(keyFor(b, PEER)).isEqualTo("another");
            assertThat(set(b, PEER, "")).isZero();
            assertThat(keyFor(b, PEER)).isEqualTo("twenty-four");
            assertThat(setNet(b, 0x0a000000, 24, ""))
                    .as("named by its address as given")
                    .isEqualTo(-Errno.ENOENT);
            assertThat(setNet(b, 0x0a0000ff, 24, "")).isZero();
            assertThat(keyFor(b, PEER)).isEqualTo("eight");
        }
    }

    /** The machine's Linux takes 963 keys of 136 bytes into its 128 KiB. */
    @Test
    void shouldTakeAsManyKeysAsOptmemMaxAllows() {
        try (TcpBench b = new TcpBench()) {
            int n = 0;
            while (n < 2000 && set(b, 0x0a000000 + n, "k") == 0) {
                n++;
            }
            assertThat(n).isEqualTo(963);
            assertThat(set(b, 0x0b000000, "k")).isEqualTo(-Errno.ENOMEM);
            assertThat(b.tp.optmem()).isEqualTo(963 * 136);
            assertThat(set(b, 0x0a000000, "again")).as("no new one").isZero();
            assertThat(set(b, 0x0a000000, "")).isZero();
            assertThat(set(b, 0x0b000000, "k")).isZero();
        }
    }

    @Test
    void shouldMakeNoLargePacketsOnceItHasAKey() {
        try (TcpBench b = new TcpBench()) {
            b.tp.gsoMaxSegs = 44;
            assertThat(b.tp.gsoDisabled()).isFalse();
            set(b, PEER, "k");
            assertThat(b.tp.gsoDisabled()).isTrue();
            assertThat(b.tp.gsoMaxSegs).isEqualTo(1);
            set(b, PEER, "");
            assertThat(b.tp.gsoDisabled()).as("for good").isTrue();
        }
    }

    @Test
    void shouldRefuseASecretThatIsTooLong() {
        assertThatThrownBy(() -> TcpMd5Sig.of(PEER, new byte[81])).isInstanceOf(IllegalArgumentException.class);
        OptVal longest = TcpMd5Sig.of(PEER, new byte[80]);
        assertThat(longest.len).isEqualTo(216);
    }
}
