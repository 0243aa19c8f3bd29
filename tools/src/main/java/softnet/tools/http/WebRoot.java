package softnet.tools.http;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import net.core.UserError;

/**
 * A directory that requests are answered from, and the only place where they can reach: targets with {@code ..} are
 * refused, and what remains is followed through symbolic links to its real place, which must lie below the root.
 */
public final class WebRoot {
    private final Path root;

    private WebRoot(Path root) {
        this.root = root;
    }

    /** @throws UserError for a directory that cannot be used */
    public static WebRoot of(Path directory) {
        try {
            Path real = directory.toRealPath();
            if (Files.isDirectory(real)) {
                return new WebRoot(real);
            }
        } catch (IOException e) {
            throw new UserError("directory " + directory + ": cannot be opened: " + UserError.why(e), e);
        }
        throw new UserError("directory " + directory + ": is not a directory");
    }

    /** The directory's real place. */
    public Path path() {
        return root;
    }

    /** The existing file or directory that a target names. @throws HttpException 400, 403, 404 */
    public Path existing(String target) throws IOException {
        Path named = below(target);
        if (!Files.exists(named, LinkOption.NOFOLLOW_LINKS)) {
            throw new HttpException(404, target);
        }
        return inside(named, target);
    }

    /** Where a target is to be written: its folder exists and it is no folder itself. @throws HttpException as above */
    public Path writable(String target) throws IOException {
        Path named = below(target);
        Path folder = named.getParent();
        if (named.equals(root) || folder == null || target.endsWith("/")) {
            throw new HttpException(409, "a file name is wanted");
        }
        if (!Files.isDirectory(folder)) {
            throw new HttpException(404, "no such folder");
        }
        Path name = named.getFileName();
        Path real = inside(folder, target).resolve(name == null ? "" : name.toString());
        if (Files.isSymbolicLink(real)) {
            real = Files.exists(real) ? inside(real, target) : refuse(target);
        }
        if (Files.isDirectory(real)) {
            throw new HttpException(409, "is a folder");
        }
        return real;
    }

    private Path inside(Path named, String target) throws IOException {
        Path real;
        try {
            real = named.toRealPath();
        } catch (IOException e) {
            throw new HttpException(404, target);
        }
        return real.startsWith(root) ? real : refuse(target);
    }

    private static Path refuse(String target) throws HttpException {
        throw new HttpException(403, target + " lies outside");
    }

    /** The path that a target spells, without looking at the disk. */
    private Path below(String target) throws HttpException {
        String path = target;
        if (path.regionMatches(true, 0, "http://", 0, 7)) {
            int slash = path.indexOf('/', 7);
            path = slash < 0 ? "/" : path.substring(slash);
        }
        int query = path.indexOf('?');
        path = decode(query < 0 ? path : path.substring(0, query));
        if (!path.startsWith("/")) {
            throw new HttpException(400, "a target begins with /");
        }
        Path at = root;
        for (String word : path.split("/", -1)) {
            if (word.isEmpty() || word.equals(".")) {
                continue;
            }
            if (word.equals("..")) {
                throw new HttpException(403, "..");
            }
            if (word.indexOf('\0') >= 0) {
                throw new HttpException(400, "a NUL");
            }
            try {
                at = at.resolve(word);
            } catch (InvalidPathException e) {
                // A character that file names have none of here, as with LC_ALL=C.
                throw new HttpException(404, target);
            }
        }
        return at;
    }

    /** Resolves {@code %XX}; the bytes are UTF-8. */
    static String decode(String path) throws HttpException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream(path.length());
        for (int i = 0; i < path.length(); i++) {
            char c = path.charAt(i);
            if (c != '%') {
                bytes.write(c);
                continue;
            }
            int high = i + 2 < path.length() ? Character.digit(path.charAt(i + 1), 16) : -1;
            int low = i + 2 < path.length() ? Character.digit(path.charAt(i + 2), 16) : -1;
            if (high < 0 || low < 0) {
                throw new HttpException(400, "a % without two digits");
            }
            bytes.write(high << 4 | low);
            i += 2;
        }
        return bytes.toString(StandardCharsets.UTF_8);
    }
}
