package softnet.tools;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.SocketException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import net.core.UserError;

/** The asking side of a {@link ControlSocket}, and where such sockets lie. */
final class ControlClient {
    private static final String PREFIX = "softnet-";
    private static final String SUFFIX = ".sock";

    private ControlClient() {}

    /** Where hosts of this user put their sockets: {@code $XDG_RUNTIME_DIR}, else {@code /tmp}. */
    static Path folder(Map<String, String> environment) {
        String runtime = environment.get("XDG_RUNTIME_DIR");
        if (runtime != null && !runtime.isEmpty() && Files.isWritable(Path.of(runtime))) {
            return Path.of(runtime);
        }
        return Path.of("/tmp");
    }

    /** The socket of the host that this process runs. */
    static Path own(Path folder) {
        return folder.resolve(PREFIX + ProcessHandle.current().pid() + SUFFIX);
    }

    /** The socket of the one host that runs. @throws UserError if none does, or several */
    static Path find(Path folder) {
        List<Path> served = new ArrayList<>();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, PREFIX + "*" + SUFFIX)) {
            for (Path file : files) {
                if (isOurs(file) && isServed(file)) {
                    served.add(file);
                }
            }
        } catch (IOException e) {
            throw new UserError(folder + ": " + UserError.why(e), e);
        }
        if (served.isEmpty()) {
            throw new UserError("no running host in " + folder + ": start one with 'softnet run', or name its socket"
                    + " with --control PATH");
        }
        if (served.size() > 1) {
            throw new UserError(served.size() + " hosts run; choose one with --control: "
                    + served.stream().sorted().map(Path::toString).collect(Collectors.joining(", ")));
        }
        return served.getFirst();
    }

    /** Others may leave files in {@code /tmp}. */
    private static boolean isOurs(Path file) {
        try {
            return Files.getOwner(file).getName().equals(System.getProperty("user.name"));
        } catch (IOException e) {
            return false; // gone meanwhile
        }
    }

    /** Tells whether somebody listens there. */
    static boolean isServed(Path path) {
        try (SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(path))) {
            return channel.isConnected();
        } catch (IOException e) {
            return false;
        }
    }

    /** The line that carries these words. @throws UserError if it would be too long or more than a line */
    static String line(List<String> words) {
        String line = words.stream().map(ControlClient::quoted).collect(Collectors.joining(" ")) + "\n";
        if (line.indexOf('\n') != line.length() - 1
                || line.getBytes(StandardCharsets.UTF_8).length > ControlSocket.MAX_REQUEST) {
            throw new UserError("want one line of at most " + ControlSocket.MAX_REQUEST + " bytes");
        }
        return line;
    }

    private static String quoted(String word) {
        boolean plain =
                !word.isEmpty() && word.chars().noneMatch(c -> Character.isWhitespace(c) || c == '\'' || c == '"');
        return plain ? word : '"' + word.replace("\"", "\"'\"'\"") + '"';
    }

    /** Asks. @throws UserError if nobody serves the socket */
    static ControlAnswer ask(Path path, List<String> words) throws IOException {
        String line = line(words);
        try (SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(path))) {
            ByteBuffer request = ByteBuffer.wrap(line.getBytes(StandardCharsets.UTF_8));
            while (request.hasRemaining()) {
                channel.write(request);
            }
            channel.shutdownOutput();
            ByteArrayOutputStream all = new ByteArrayOutputStream();
            ByteBuffer in = ByteBuffer.allocate(8192);
            while (channel.read(in) >= 0) {
                all.write(in.array(), 0, in.position());
                in.clear();
            }
            ControlAnswer answer = ControlAnswer.decode(all.toByteArray());
            if (answer == null) {
                throw new IOException(path + ": the host hung up without an answer");
            }
            return answer;
        } catch (SocketException e) {
            throw new UserError(path + ": no host listens there (" + e.getMessage() + ")", e);
        }
    }
}
