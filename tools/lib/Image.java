import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.spi.ToolProvider;
import java.util.stream.Stream;

/**
 * Builds the runtime image of the command line in one JVM: compiles every module's main sources with one call of javac,
 * makes a jar of each beside its resources, and copies the third-party jars in.
 *
 * <p>Run by {@code tools/lib/image.sh} as {@code java Image.java ROOT DEPENDENCIES IMAGE}. Prints what javac printed and
 * leaves with status 1 when something fails.
 */
class Image {
    public static void main(String[] args) throws IOException {
        Path root = Path.of(args[0]);
        String dependencies = args[1];
        Path image = Path.of(args[2]);
        Map<String, Path> modules = modules(root);

        Path classes = image.resolve("classes");
        compile(modules, dependencies, classes);
        Path lib = Files.createDirectories(image.resolve("lib"));
        for (Map.Entry<String, Path> module : modules.entrySet()) {
            jar(module.getKey(), classes, module.getValue().resolve("src/main/resources"), lib);
        }
        for (String jar : dependencies.split(File.pathSeparator)) {
            Files.copy(Path.of(jar), lib.resolve(Path.of(jar).getFileName()));
        }
    }

    private static Map<String, Path> modules(Path root) throws IOException {
        Map<String, Path> found = new TreeMap<>();
        try (Stream<Path> folders = Files.list(root.resolve("modules"))) {
            folders.filter(folder -> Files.exists(folder.resolve("src/main/java/module-info.java")))
                    .forEach(folder -> found.put(folder.getFileName().toString(), folder));
        }
        found.put("softnet.tools", root.resolve("tools"));
        return found;
    }

    private static void compile(Map<String, Path> modules, String dependencies, Path classes) throws IOException {
        List<String> javac = new ArrayList<>(List.of("--release", "25", "-g", "-parameters", "-proc:none"));
        javac.addAll(List.of("-Xlint:none", "-p", dependencies, "-d", classes.toString()));
        for (Map.Entry<String, Path> module : modules.entrySet()) {
            Path sources = module.getValue().resolve("src/main/java");
            javac.add("--module-source-path");
            javac.add(module.getKey() + "=" + sources);
            try (Stream<Path> files = Files.walk(sources)) {
                files.map(Path::toString).filter(file -> file.endsWith(".java")).forEach(javac::add);
            }
        }
        run("javac", javac);
    }

    private static void jar(String module, Path classes, Path resources, Path lib) {
        List<String> jar = new ArrayList<>(List.of("--create", "--no-compress"));
        jar.addAll(List.of("--file", lib.resolve(module + ".jar").toString()));
        jar.addAll(List.of("-C", classes.resolve(module).toString(), "."));
        if (Files.isDirectory(resources)) {
            jar.addAll(List.of("-C", resources.toString(), "."));
        }
        run("jar", jar);
    }

    private static void run(String tool, List<String> arguments) {
        int status = ToolProvider.findFirst(tool).orElseThrow().run(System.out, System.err, arguments.toArray(String[]::new));
        if (status != 0) {
            System.exit(1);
        }
    }
}
