package net.softnet.stress;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Runs jcstress: a short share here, all compilation modes and more time with {@code -Dsoftnet.full=true}. Tests of three
 * actors run on machines with three CPUs or more.
 */
class JcstressTest {
    private static final boolean FULL = Boolean.getBoolean("softnet.full");

    @Test
    @Timeout(900)
    void shouldSeeNoForbiddenOutcome(@TempDir Path results) throws IOException, InterruptedException {
        Stream<String> effort = FULL
                ? Stream.of("-f", "1", "-iters", "2", "-time", "500")
                : Stream.of("-f", "1", "-fsm", "1", "-iters", "1", "-time", "300", "-sc", "false");
        List<String> command = Stream.of(
                        Stream.of(
                                Path.of(System.getProperty("java.home"), "bin", "java")
                                        .toString(),
                                "-cp",
                                System.getProperty("java.class.path"),
                                "org.openjdk.jcstress.Main",
                                "-v",
                                "-r",
                                results.toString(),
                                "-jvmArgs",
                                "--add-opens=java.base/jdk.internal.misc=ALL-UNNAMED"
                                        + " --enable-native-access=ALL-UNNAMED"),
                        effort)
                .flatMap(words -> words)
                .toList();
        Process process = new ProcessBuilder(command)
                .directory(results.toFile())
                .redirectErrorStream(true)
                .start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        String report = output.substring(Math.max(0, output.indexOf("RUN RESULTS")));
        System.out.println(report.lines()
                .filter(line -> line.contains("stress.")
                        || line.contains("OwnerAgainst")
                        || line.contains(" % ")
                        || line.contains("%  "))
                .collect(Collectors.joining("\n")));
        assertThat(process.waitFor()).as(output).isZero();
        assertThat(report)
                .contains("Failed tests: No matches", "Error tests: No matches")
                .contains(
                        "ReleaseAgainstRaise.WithFence",
                        "SleepAgainstKick.WithFence",
                        "OwnerAgainstBacklog.OneSoftirq");
        if (FULL) {
            // That the harness can see what a missing fence does.
            assertThat(report.substring(report.indexOf("Interesting tests"), report.indexOf("Failed tests")))
                    .contains("ReleaseAgainstRaise.WithoutFence", "SleepAgainstKick.WithoutFence");
        }
    }
}
