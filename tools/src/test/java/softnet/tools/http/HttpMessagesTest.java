package softnet.tools.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Heads and bodies as they come off a connection, in pieces of any size. */
class HttpMessagesTest {
    private static final String HOST = "Host: h\r\n";

    /** A connection that hands out {@code text} in pieces of at most {@code piece} bytes. */
    private static HttpInput input(String text, int piece) {
        ByteBuffer all = ByteBuffer.wrap(text.getBytes(StandardCharsets.ISO_8859_1));
        return new HttpInput(to -> {
            if (!all.hasRemaining()) {
                return -1;
            }
            int n = Math.min(Math.min(piece, to.remaining()), all.remaining());
            to.put(all.slice(all.position(), n));
            all.position(all.position() + n);
            return n;
        });
    }

    private static String body(HttpBody body) throws IOException {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        for (ByteBuffer piece = body.next(); piece != null; piece = body.next()) {
            byte[] bytes = new byte[piece.remaining()];
            piece.get(bytes);
            all.write(bytes);
        }
        return all.toString(StandardCharsets.ISO_8859_1);
    }

    private static int statusOf(String request) throws IOException {
        try {
            HttpInput in = input(request, 7);
            HttpHead head = HttpHead.request(in);
            if (head != null) {
                body(HttpBody.ofRequest(head, in));
            }
            return 200;
        } catch (HttpException e) {
            return e.status();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 7, 64, 4096})
    void shouldReadPipelinedRequestsInAnyPieces(int piece) throws IOException {
        HttpInput in = input(
                "\r\nPUT /a%20b HTTP/1.1\r\n" + HOST + "Content-Length: 5\r\n\r\nhello"
                        + "PUT /c HTTP/1.1\r\n" + HOST + "Transfer-Encoding: chunked\r\n\r\n"
                        + "3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\nTrailer: t\r\n\r\n"
                        + "GET /d HTTP/1.0\nConnection: keep-alive\n\n",
                piece);

        HttpHead first = HttpHead.request(in);
        assertThat(first.target()).isEqualTo("/a%20b");
        assertThat(body(HttpBody.ofRequest(first, in))).isEqualTo("hello");
        HttpHead second = HttpHead.request(in);
        assertThat(body(HttpBody.ofRequest(second, in))).isEqualTo("abc0123456789");
        HttpHead third = HttpHead.request(in);
        assertThat(third.method()).isEqualTo("GET");
        assertThat(third.keepsAlive()).isTrue();
        assertThat(body(HttpBody.ofRequest(third, in))).isEmpty();
        assertThat(HttpHead.request(in)).isNull();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            GET / HTTP/1.1~Host: h~~                                             | 200
            GET / HTTP/1.1~~                                                     | 400
            GET / HTTP/1.1~Host: h~Host: i~~                                     | 400
            GET  / HTTP/1.1~Host: h~~                                            | 400
            GET / HTTP/2.0~Host: h~~                                             | 505
            GET / FTP/1.1~Host: h~~                                              | 400
            GET / HTTP/1.1~Host: h~Bad Field: x~~                                | 400
            GET / HTTP/1.1~Host: h~ folded: x~~                                  | 400
            PUT / HTTP/1.1~Host: h~Content-Length: 1~Transfer-Encoding: chunked~~| 400
            PUT / HTTP/1.1~Host: h~Content-Length: -1~~                          | 400
            PUT / HTTP/1.1~Host: h~Content-Length: 1~Content-Length: 2~~xx       | 400
            PUT / HTTP/1.1~Host: h~Transfer-Encoding: gzip~~                     | 501
            PUT / HTTP/1.1~Host: h~Transfer-Encoding: chunked~~zz~               | 400
            PUT / HTTP/1.1~Host: h~Transfer-Encoding: chunked~~1~abc~0~~         | 400
            """)
    void shouldRefuseWhatCannotBeUnderstood(String request, int status) throws IOException {
        assertThat(statusOf(request.replace("~", "\r\n"))).isEqualTo(status);
    }

    @Test
    void shouldBoundTheHead() throws IOException {
        assertThat(statusOf("GET /" + "x".repeat(100_000))).isEqualTo(431);
        assertThat(statusOf("GET / HTTP/1.1\r\n" + HOST + "A: b\r\n".repeat(20_000)))
                .isEqualTo(431);
    }

    @Test
    void shouldNoticeABodyThatIsCutShort() throws IOException {
        HttpInput in = input("PUT / HTTP/1.1\r\n" + HOST + "Content-Length: 10\r\n\r\nabc", 64);
        HttpHead head = HttpHead.request(in);
        HttpBody body = HttpBody.ofRequest(head, in);
        assertThatThrownBy(() -> body(body)).isInstanceOf(EOFException.class);
        assertThat(body.isDone()).isFalse();
    }

    @Test
    void shouldReadAnswersThatEndWithTheConnection() throws IOException {
        HttpInput in = input("HTTP/1.1 200 Very OK\r\n\r\nall the rest", 3);
        HttpHead head = HttpHead.response(in);
        assertThat(head.status()).isEqualTo(200);
        assertThat(head.start().get(2)).isEqualTo("Very OK");
        assertThat(body(HttpBody.ofResponse(head, in))).isEqualTo("all the rest");
    }

    @Test
    void shouldSurviveRandomBytes() {
        long seed = 42;
        System.out.println("seed " + seed);
        Random random = new Random(seed);
        String alphabet = "GET /PUT HTTP/1.1\r\n: chunkedContent-Length0123456789abcdef;\0\u00ff";
        for (int i = 0; i < 3000; i++) {
            StringBuilder text = new StringBuilder("PUT / HTTP/1.1\r\nHost: h\r\n");
            int n = random.nextInt(200);
            for (int j = 0; j < n; j++) {
                text.append(alphabet.charAt(random.nextInt(alphabet.length())));
            }
            text.append(random.nextBoolean() ? "\r\n\r\n" : "");
            HttpInput in = input(text.toString(), 1 + random.nextInt(50));
            try {
                for (HttpHead head = HttpHead.request(in); head != null; head = HttpHead.request(in)) {
                    body(HttpBody.ofRequest(head, in));
                }
            } catch (IOException e) {
                assertThat(e.getMessage()).isNotNull();
            }
        }
    }

    @ParameterizedTest
    @CsvSource({
        "bytes=0-9,100,0,10",
        "bytes=90-,100,90,10",
        "bytes=-5,100,95,5",
        "bytes=-500,100,0,100",
        "bytes=50-1000,100,50,50"
    })
    void shouldCutRanges(String field, long size, long first, long count) throws HttpException {
        assertThat(ByteRange.of(field, size)).isEqualTo(new ByteRange(first, count));
    }

    @Test
    void shouldRefuseARangeBeyondTheEndAndIgnoreOddOnes() throws HttpException {
        assertThatThrownBy(() -> ByteRange.of("bytes=100-", 100)).isInstanceOf(HttpException.class);
        assertThat(ByteRange.of("bytes=0-1,5-6", 100)).isNull();
        assertThat(ByteRange.of("lines=0-1", 100)).isNull();
        assertThat(ByteRange.of("bytes=9-1", 100)).isNull();
        assertThat(ByteRange.of(null, 100)).isNull();
    }
}
