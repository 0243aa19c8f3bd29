package softnet.tools.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import net.core.UserError;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** No request reaches anything outside of the root. */
class WebRootTest {
    @TempDir
    Path temp;

    private Path root;
    private WebRoot web;

    @BeforeEach
    void layOut() throws IOException {
        root = Files.createDirectory(temp.resolve("root"));
        Files.writeString(temp.resolve("secret"), "s");
        Files.createDirectory(temp.resolve("other"));
        Files.writeString(root.resolve("a b.txt"), "a");
        Files.createDirectory(root.resolve("sub"));
        Files.createSymbolicLink(root.resolve("inner"), Path.of("a b.txt"));
        Files.createSymbolicLink(root.resolve("outer"), Path.of("../secret"));
        Files.createSymbolicLink(root.resolve("away"), temp.resolve("other"));
        Files.createSymbolicLink(root.resolve("dangling"), temp.resolve("not-there"));
        web = WebRoot.of(root);
    }

    @ParameterizedTest
    @ValueSource(strings = {"/a%20b.txt", "//a%20b.txt", "/./a%20b.txt?q=1", "http://h/a%20b.txt", "/inner"})
    void shouldFindFiles(String target) throws IOException {
        assertThat(web.existing(target)).isEqualTo(root.toRealPath().resolve("a b.txt"));
    }

    @ParameterizedTest
    @CsvSource({
        "/../secret,403",
        "/%2e%2e/secret,403",
        "/sub/../../secret,403",
        "/outer,403",
        "/away,403",
        "/nothing,404",
        "/%C3%BC,404", // not a file name at all with LC_ALL=C
        "/dangling,404",
        "relative,400",
        "/%zz,400",
        "/%0,400",
        "/a%00b,400"
    })
    void shouldRefuseToReadElsewhere(String target, int status) {
        assertThatThrownBy(() -> web.existing(target))
                .isInstanceOfSatisfying(
                        HttpException.class, e -> assertThat(e.status()).isEqualTo(status));
    }

    @ParameterizedTest
    @CsvSource({
        "/../secret,403",
        "/outer,403",
        "/away/x,403",
        "/dangling,403",
        "/no/folder,404",
        "/sub,409",
        "/,409",
        "/x/,409"
    })
    void shouldRefuseToWriteElsewhere(String target, int status) {
        assertThatThrownBy(() -> web.writable(target))
                .isInstanceOfSatisfying(
                        HttpException.class, e -> assertThat(e.status()).isEqualTo(status));
    }

    @Test
    void shouldNameWhereToWrite() throws IOException {
        Path real = root.toRealPath();
        assertThat(web.writable("/new")).isEqualTo(real.resolve("new"));
        assertThat(web.writable("/sub/new")).isEqualTo(real.resolve("sub/new"));
        assertThat(web.writable("/inner")).isEqualTo(real.resolve("a b.txt"));
    }

    @Test
    void shouldSayWhatIsWrongWithARoot() {
        assertThatThrownBy(() -> WebRoot.of(root.resolve("a b.txt"))).isInstanceOf(UserError.class);
        assertThatThrownBy(() -> WebRoot.of(temp.resolve("no"))).isInstanceOf(UserError.class);
    }
}
