package net.testkit.packetdrill;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.spi.ToolProvider;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A second copy of the whole stack, in a class loader of its own, with one source file compiled from an altered text. The
 * other classes are those under test; all of it lies on that loader's class path, whose services stand in {@code
 * META-INF/services}.
 *
 * <p>A bug that does not apply is an error: its text must stand in the file exactly once.
 */
final class BuggyStack implements AutoCloseable {
    private static final List<String> MODULES = List.of(
            "net.skbuff",
            "net.core",
            "net.ipv4",
            "net.tcp",
            "net.sched",
            "drivers.tapnic",
            "drivers.veth",
            "net.testkit");

    /** Own classes first, from the altered ones on; what is not the stack's comes from the test's loader. */
    private static final class Loader extends URLClassLoader {
        private final List<Path> folders;

        Loader(List<Path> folders, ClassLoader parent) {
            super(folders.stream().map(Loader::url).toArray(URL[]::new), parent);
            this.folders = folders;
        }

        private static URL url(Path folder) {
            try {
                return folder.toUri().toURL();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        @Override
        protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
            synchronized (getClassLoadingLock(name)) {
                Class<?> loaded = findLoadedClass(name);
                if (loaded != null) {
                    return loaded;
                }
                String path = name.replace('.', '/') + ".class";
                for (Path folder : folders) {
                    if (Files.exists(folder.resolve(path))) {
                        return findClass(name);
                    }
                }
                return super.loadClass(name, resolve);
            }
        }

        /** Services: not those of the parent, whose providers implement the parent's interfaces. */
        @Override
        public java.util.Enumeration<URL> getResources(String name) throws IOException {
            return findResources(name);
        }
    }

    private final Loader loader;
    private final Function<Path, String> runner;

    /** The stack as it is. */
    static BuggyStack none() throws IOException, ReflectiveOperationException {
        return new BuggyStack(List.of());
    }

    /** The stack with a bug, whose classes are written below {@code work}. */
    static BuggyStack with(DeliberateBug bug, Path work) throws IOException, ReflectiveOperationException {
        return new BuggyStack(List.of(compile(bug, work)));
    }

    private BuggyStack(List<Path> altered) throws ReflectiveOperationException {
        List<Path> folders = new ArrayList<>(altered);
        folders.addAll(classPath());
        loader = new Loader(folders, BuggyStack.class.getClassLoader());
        runner = runner();
    }

    @SuppressWarnings("unchecked")
    private Function<Path, String> runner() throws ReflectiveOperationException {
        return (Function<Path, String>) loader.loadClass(ScriptVerdict.class.getName())
                .getDeclaredConstructor()
                .newInstance();
    }

    /** Runs a script; empty if it passes, else why not. */
    String verdict(Path script) {
        return runner.apply(script);
    }

    @Override
    public void close() throws IOException {
        loader.close();
    }

    private static Path root() {
        return Path.of(System.getProperty("softnet.root"));
    }

    /** What the modules were compiled to, as the build under test has it, and their services. */
    private static List<Path> classPath() {
        List<Path> all = new ArrayList<>();
        for (String module : MODULES) {
            Path folder = root().resolve("modules").resolve(module).resolve(System.getProperty("softnet.classes"));
            if (!Files.isDirectory(folder)) {
                throw new IllegalStateException("no classes of " + module + " in " + folder);
            }
            all.add(folder);
        }
        all.add(folderOf(ScriptVerdict.class));
        return all;
    }

    private static Path folderOf(Class<?> c) {
        String inside = c.getName().replace('.', '/') + ".class";
        URL url = c.getResource(c.getSimpleName() + ".class");
        if (url == null || !url.toString().endsWith(inside)) {
            throw new IllegalStateException("no class file of " + c);
        }
        return Path.of(URI.create(url.toString().replace(inside, "")));
    }

    private static Path compile(DeliberateBug bug, Path work) throws IOException {
        Path source = root().resolve("modules/net.tcp/src/main/java/net/tcp").resolve(bug.file() + ".java");
        String text = Files.readString(source);
        int at = text.indexOf(bug.right());
        if (at < 0 || text.indexOf(bug.right(), at + 1) >= 0) {
            throw new AssertionError("'" + bug.what() + "' does not apply: " + source + " must have exactly once: "
                    + bug.right() + "\nIf the code has moved or changed, change the bug with it.");
        }
        Path altered = Files.createDirectories(work.resolve("source")).resolve(source.getFileName());
        Files.writeString(altered, text.replace(bug.right(), bug.wrong()));
        Path classes = Files.createDirectories(work.resolve("classes"));
        StringWriter said = new StringWriter();
        PrintWriter out = new PrintWriter(said, true);
        int status = ToolProvider.findFirst("javac")
                .orElseThrow()
                .run(
                        out,
                        out,
                        "-nowarn",
                        "-proc:none",
                        "-implicit:none",
                        "-parameters",
                        "-cp",
                        compilePath(),
                        "-sourcepath",
                        work.resolve("none").toString(),
                        "-d",
                        classes.toString(),
                        altered.toString());
        if (status != 0) {
            throw new AssertionError("'" + bug.what() + "' does not compile:\n" + said);
        }
        return classes;
    }

    private static String compilePath() {
        String jars = System.getProperty("jdk.module.path", "") + ':' + System.getProperty("java.class.path", "");
        return Stream.concat(classPath().stream().map(Path::toString), Stream.of(jars.split(":")))
                .filter(p -> !p.isEmpty())
                .collect(Collectors.joining(":"));
    }
}
