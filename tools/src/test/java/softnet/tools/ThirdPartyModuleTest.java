package softnet.tools;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.module.ModuleFinder;
import java.lang.module.ResolvedModule;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.spi.ToolProvider;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/**
 * A module of somebody else: a tiny qdisc and a tiny congestion control, built outside of the source tree against nothing
 * but the exported packages, loaded with {@code --modules} and chosen by name.
 */
class ThirdPartyModuleTest {
    private static final String INFO = """
            module third.party {
                requires net.core;
                requires net.tcp;
                provides net.core.dev.QdiscOps with third.TinyQdisc;
                provides net.tcp.TcpCongestionOps with third.TinyCc;
            }
            """;
    private static final String QDISC = """
            package third;

            import net.core.Cpu;
            import net.core.dev.NetdevQueue;
            import net.core.dev.Qdisc;
            import net.core.dev.QdiscOps;
            import net.skbuff.SkBuff;
            import net.skbuff.SkBuffHead;

            public class TinyQdisc implements QdiscOps {
                public String id() {
                    return "tinyq";
                }

                public Qdisc create(NetdevQueue queue) {
                    return new Qdisc(this, queue, 0) {
                        public int enqueue(Cpu cpu, SkBuff skb, SkBuffHead toFree) {
                            return enqueueTail(skb);
                        }

                        public SkBuff dequeue(Cpu cpu) {
                            return dequeueHead();
                        }
                    };
                }
            }
            """;
    private static final String CONGESTION = """
            package third;

            import net.core.Cpu;
            import net.tcp.TcpCongestionOps;
            import net.tcp.TcpSock;

            public class TinyCc extends TcpCongestionOps {
                public String name() {
                    return "tinycc";
                }

                public int ssthresh(Cpu cpu, TcpSock tp) {
                    return 10;
                }

                public void congAvoid(Cpu cpu, TcpSock tp, int ack, int acked) {
                    tp.setSndCwnd(20);
                }

                public int undoCwnd(TcpSock tp) {
                    return 20;
                }
            }
            """;

    @TempDir
    Path temp;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    private int softnet(String... arguments) {
        CommandLine line = Softnet.commandLine().setOut(new PrintWriter(out)).setErr(new PrintWriter(err));
        return line.execute(arguments);
    }

    /** Builds a jar into {@code folder} from files by name. */
    private void build(Path folder, String jar, Map<String, String> sources) throws IOException {
        Path src = temp.resolve("src-" + jar);
        Path classes = temp.resolve("classes-" + jar);
        List<String> javac = new ArrayList<>(List.of("-nowarn", "-d", classes.toString(), "-p", modulePath()));
        for (Map.Entry<String, String> source : sources.entrySet()) {
            Path file = src.resolve(source.getKey());
            Files.createDirectories(file.getParent());
            javac.add(Files.writeString(file, source.getValue()).toString());
        }
        tool("javac", javac.toArray(String[]::new));
        Files.createDirectories(folder);
        tool("jar", "--create", "--file", folder.resolve(jar + ".jar").toString(), "-C", classes.toString(), ".");
    }

    /** Where this JVM has its modules from. */
    private static String modulePath() {
        return ModuleLayer.boot().configuration().modules().stream()
                .map(ResolvedModule::reference)
                .flatMap(r -> r.location().stream())
                .filter(uri -> uri.getScheme().equals("file"))
                .map(URI::getPath)
                .distinct()
                .filter(path -> !ModuleFinder.of(Path.of(path)).findAll().isEmpty())
                .collect(Collectors.joining(":"));
    }

    private static void tool(String name, String... args) {
        int status = ToolProvider.findFirst(name).orElseThrow().run(System.out, System.err, args);
        assertThat(status).as("%s %s", name, Arrays.toString(args)).isZero();
    }

    private Path thirdParty() throws IOException {
        Path folder = temp.resolve("modules");
        build(
                folder,
                "third",
                Map.of("module-info.java", INFO, "third/TinyQdisc.java", QDISC, "third/TinyCc.java", CONGESTION));
        return folder;
    }

    @Test
    void shouldRunWithAQdiscAndACongestionControlOfOthers() throws IOException {
        int status = softnet(
                "demo",
                "--bytes",
                "1M",
                "--modules",
                thirdParty().toString(),
                "--sysctl",
                "net.ipv4.tcp_congestion_control=tinycc",
                "--qdisc",
                "tinyq");
        assertThat(status).as(err.toString()).isZero();
        assertThat(out.toString()).contains("qdisc tinyq").containsPattern("Sent [1-9]\\d* bytes");
    }

    @Test
    void shouldRefuseAQdiscWhoseNameIsTaken() throws IOException {
        Path folder = temp.resolve("modules");
        String info = "module twice.name { requires net.core; provides net.core.dev.QdiscOps with third.TinyQdisc; }";
        build(
                folder,
                "double",
                Map.of("module-info.java", info, "third/TinyQdisc.java", QDISC.replace("\"tinyq\"", "\"pfifo\"")));
        assertThat(softnet("demo", "--bytes", "1", "--modules", folder.toString()))
                .isEqualTo(2);
        assertThat(err.toString().lines())
                .singleElement()
                .asString()
                .contains("pfifo")
                .contains("twice.name");
    }

    @Test
    void shouldRefuseACongestionControlWhoseNameIsTaken() throws IOException {
        Path folder = temp.resolve("modules");
        String info =
                "module twice.cc { requires net.tcp; requires net.core; provides net.tcp.TcpCongestionOps with third.TinyCc; }";
        build(
                folder,
                "doublecc",
                Map.of("module-info.java", info, "third/TinyCc.java", CONGESTION.replace("\"tinycc\"", "\"cubic\"")));
        assertThat(softnet("demo", "--bytes", "1", "--modules", folder.toString()))
                .isEqualTo(2);
        assertThat(err.toString().lines()).singleElement().asString().contains("cubic");
    }

    @Test
    void shouldSayThatANameIsUnknownWithoutTheModule() {
        assertThat(softnet("demo", "--bytes", "1", "--qdisc", "tinyq")).isEqualTo(2);
        assertThat(err.toString().lines()).singleElement().asString().contains("tinyq");
    }
}
