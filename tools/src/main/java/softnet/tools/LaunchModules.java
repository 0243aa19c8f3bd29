package softnet.tools;

import java.io.IOException;
import java.lang.module.Configuration;
import java.lang.module.FindException;
import java.lang.module.ModuleDescriptor;
import java.lang.module.ModuleFinder;
import java.lang.module.ModuleReference;
import java.lang.module.ResolutionException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import net.core.UserError;
import org.jspecify.annotations.Nullable;

/**
 * Loads third-party modules from directories into a layer of their own above the boot layer, so that the boot path stays
 * what the ahead-of-time cache was made for. What cannot be loaded is one line that names the jar.
 */
public final class LaunchModules {
    private LaunchModules() {}

    /**
     * The layer of all jars in {@code directories}; null if there are none.
     *
     * @throws UserError for a directory or jar that cannot be used
     */
    public static @Nullable ModuleLayer load(List<Path> directories) {
        Map<String, Path> found = new TreeMap<>();
        for (Path directory : directories) {
            for (Path jar : jars(directory)) {
                String name = nameOf(jar);
                Path other = found.putIfAbsent(name, jar);
                if (other != null) {
                    throw new UserError("module " + jar + ": the name " + name + " is taken by " + other);
                }
                if (ModuleLayer.boot().findModule(name).isPresent()) {
                    throw new UserError("module " + jar + ": the name " + name + " is one of Softnet's own");
                }
            }
        }
        return found.isEmpty() ? null : layer(found);
    }

    private static List<Path> jars(Path directory) {
        if (!Files.isDirectory(directory)) {
            throw new UserError("--modules " + directory + ": not a directory");
        }
        try (Stream<Path> all = Files.list(directory)) {
            return all.filter(p -> p.toString().endsWith(".jar")).sorted().toList();
        } catch (IOException e) {
            throw new UserError("--modules " + directory + ": cannot be read: " + e.getMessage(), e);
        }
    }

    /** Opens one jar by itself, so that an error names it. */
    private static String nameOf(Path jar) {
        try {
            Set<ModuleReference> in = ModuleFinder.of(jar).findAll();
            if (in.size() == 1) {
                return in.iterator().next().descriptor().name();
            }
            throw new UserError("module " + jar + ": holds no module");
        } catch (FindException e) {
            throw new UserError("module " + jar + ": broken: " + reason(e), e);
        }
    }

    private static ModuleLayer layer(Map<String, Path> found) {
        ModuleLayer boot = ModuleLayer.boot();
        ModuleFinder finder = ModuleFinder.of(found.values().toArray(Path[]::new));
        try {
            for (ModuleReference module : finder.findAll()) {
                checkRequired(boot, module, found);
            }
            Configuration configuration =
                    boot.configuration().resolve(finder, ModuleFinder.of(), new TreeSet<>(found.keySet()));
            return boot.defineModulesWithOneLoader(configuration, LaunchModules.class.getClassLoader());
        } catch (FindException | ResolutionException | LayerInstantiationException e) {
            throw new UserError("modules in " + folders(found) + ": " + reason(e), e);
        }
    }

    private static void checkRequired(ModuleLayer boot, ModuleReference module, Map<String, Path> found) {
        for (var required : module.descriptor().requires()) {
            boolean optional = required.modifiers().contains(ModuleDescriptor.Requires.Modifier.STATIC);
            String name = required.name();
            if (!optional && !found.containsKey(name) && boot.findModule(name).isEmpty()) {
                throw new UserError("module " + found.get(module.descriptor().name()) + ": requires " + name
                        + ", which is neither there nor part of Softnet");
            }
        }
    }

    private static String folders(Map<String, Path> found) {
        return found.values().stream()
                .map(p -> String.valueOf(p.getParent()))
                .distinct()
                .collect(Collectors.joining(", "));
    }

    /** The innermost message: outer ones repeat the path. */
    private static String reason(Throwable e) {
        Throwable at = e;
        while (at.getCause() != null) {
            at = at.getCause();
        }
        String message = at.getMessage();
        return message == null
                ? at.getClass().getSimpleName()
                : message.lines().findFirst().orElse("");
    }
}
