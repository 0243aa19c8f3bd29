package softnet.tools;

import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.fields;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.AccessTarget;
import com.tngtech.archunit.core.domain.JavaAccess;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaCodeUnit;
import com.tngtech.archunit.core.domain.JavaField;
import com.tngtech.archunit.core.domain.JavaMethodCall;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.lang.ConditionEvent;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/**
 * The house rules that a machine can see: who may name whom, what protocol code may not call, what the hot path may not
 * do. It reads the compiled main classes of every module.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ArchitectureTest {
    /** Each module and the modules of this project whose packages it may name. */
    private static final Map<String, List<String>> LAYERS = layers();

    /** Numbers for typed slots, and each thread's errno: they hold no state of a kernel. */
    private static final Set<String> HARMLESS_STATICS = Set.of(
            "net.core.PerCpu.NEXT_SLOT",
            "net.core.PerKernel.NEXT_SLOT",
            "net.core.PerNet.NEXT_SLOT",
            "net.core.sys.Sys.CAPTURES",
            "net.testkit.packetdrill.LibC.CAPTURES");

    /**
     * The only classes of the stack that may ask the machine for the time or sleep on it, by simple name; the last two
     * for the watchdog of virtual time and for a capture's wall-clock start.
     */
    private static final Set<String> LIVE = Set.of(
            "LiveClock",
            "LiveScheduler",
            "LiveCpu",
            "CpuWorker",
            "LiveWaiter",
            "SpinWait",
            "VirtualScheduler",
            "PacketTap");

    /** Calls that make the rest untestable in virtual time, as {@code owner.method}. */
    private static final Set<String> LIVE_CALLS = Set.of(
            "java.lang.System.nanoTime",
            "java.lang.System.currentTimeMillis",
            "java.lang.Thread.sleep",
            "java.time.Instant.now",
            "java.time.Clock.systemUTC");

    /** Owners whose methods allocate, or may, and so stay off the hot path. */
    private static final Set<String> ALLOCATING_OWNERS = Set.of(
            "java.util.Optional",
            "java.util.OptionalInt",
            "java.util.OptionalLong",
            "java.util.stream.Stream",
            "java.util.stream.IntStream",
            "java.util.stream.LongStream",
            "java.util.stream.Collectors");

    private static final Set<String> BOXES = Set.of(
            "java.lang.Integer",
            "java.lang.Long",
            "java.lang.Short",
            "java.lang.Byte",
            "java.lang.Character",
            "java.lang.Boolean",
            "java.lang.Float",
            "java.lang.Double");

    /** Landmarks whose whole kernel name must live in a class of the module that Linux would keep it in. */
    private static final Map<String, String> LANDMARKS = Map.ofEntries(
            Map.entry("netifReceiveSkb", "net.core"),
            Map.entry("netRxAction", "net.core"),
            Map.entry("devQueueXmit", "net.core"),
            Map.entry("devHardStartXmit", "net.core"),
            Map.entry("schDirectXmit", "net.core"),
            Map.entry("ipRcv", "net.ipv4"),
            Map.entry("ipLocalDeliver", "net.ipv4"),
            Map.entry("ipQueueXmit", "net.ipv4"),
            Map.entry("arpRcv", "net.ipv4"),
            Map.entry("icmpRcv", "net.ipv4"),
            Map.entry("udpRcv", "net.ipv4"),
            Map.entry("tcpV4Rcv", "net.tcp"),
            Map.entry("tcpRcvEstablished", "net.tcp"),
            Map.entry("tcpRcvStateProcess", "net.tcp"),
            Map.entry("tcpAck", "net.tcp"),
            Map.entry("tcpWriteXmit", "net.tcp"),
            Map.entry("tcpTransmitSkb", "net.tcp"));

    private JavaClasses stack;

    private static Map<String, List<String>> layers() {
        Map<String, List<String>> layers = new LinkedHashMap<>();
        layers.put("net.skbuff", List.of());
        layers.put("net.core", List.of("net.skbuff"));
        layers.put("net.sched", List.of("net.skbuff", "net.core"));
        layers.put("drivers.tapnic", List.of("net.skbuff", "net.core"));
        layers.put("drivers.veth", List.of("net.skbuff", "net.core"));
        layers.put("net.ipv4", List.of("net.skbuff", "net.core"));
        layers.put("net.tcp", List.of("net.skbuff", "net.core", "net.ipv4"));
        layers.put("net.netfilter", List.of("net.skbuff", "net.core", "net.ipv4"));
        layers.put("net.metrics", List.of("net.skbuff", "net.core", "net.ipv4", "net.tcp", "net.sched"));
        layers.put(
                "net.testkit",
                List.of(
                        "net.skbuff",
                        "net.core",
                        "net.ipv4",
                        "net.tcp",
                        "net.sched",
                        "drivers.tapnic",
                        "drivers.veth"));
        return layers;
    }

    @BeforeAll
    void importStack() {
        // The build directory differs between the plain build and the checking one: take the one this test runs from.
        Path root = Path.of(System.getProperty("softnet.root", "..")).toAbsolutePath();
        Path here = Path.of(System.getProperty("softnet.classes", "target/classes"));
        List<Path> folders = new ArrayList<>();
        for (String module : LAYERS.keySet()) {
            Path classes = root.resolve("modules").resolve(module).resolve(here);
            assertThat(classes).as("compiled classes of %s", module).isDirectory();
            folders.add(classes);
        }
        stack = new ClassFileImporter().importPaths(folders);
        assertThat(stack).isNotEmpty();
    }

    @Test
    void shouldPointItsArrowsOneWay() {
        String[] all = LAYERS.keySet().stream().map(name -> name + "..").toArray(String[]::new);
        LAYERS.forEach((module, below) -> {
            List<String> allowed = new ArrayList<>(below);
            allowed.add(module);
            String[] permitted = allowed.stream().map(name -> name + "..").toArray(String[]::new);
            check(noClasses()
                    .that()
                    .resideInAPackage(module + "..")
                    .should()
                    .dependOnClassesThat(resideInAnyPackage(all).and(not(resideInAnyPackage(permitted))))
                    .as(module + " names only " + below));
        });
    }

    @Test
    void shouldKeepThirdPartiesOutOfTheStack() {
        check(noClasses()
                .that(resideInAnyPackage("net..", "drivers..")
                        .and(not(resideInAnyPackage("net.metrics..", "net.testkit.."))))
                .should()
                .dependOnClassesThat(resideInAnyPackage(
                        "io.micrometer..", "picocli..", "org.apache.logging..", "org.junit..", "org.assertj..")));
    }

    @Test
    void shouldHaveNoMutableStaticState() {
        check(fields().that()
                .areStatic()
                .and()
                .areDeclaredInClassesThat(resideInAnyPackage("net..", "drivers.."))
                .should()
                .beFinal()
                .as("static fields are final: a Kernel or a Net owns what changes"));
        check(fields().that()
                .areStatic()
                .and()
                .areDeclaredInClassesThat(resideInAnyPackage("net..", "drivers.."))
                .should(notHoldMutableCollections()));
    }

    @Test
    void shouldAskOnlyItsKernelForTheTime() {
        check(noClasses()
                .that(resideInAPackage("net..")
                        .and(not(resideInAPackage("net.testkit..")).and(not(live()))))
                .should()
                .callMethodWhere(callOf(LIVE_CALLS)));
    }

    @Test
    void shouldPrintNothing() {
        check(noClasses()
                .that(resideInAnyPackage("net..", "drivers..").and(not(resideInAPackage("net.testkit.."))))
                .should()
                .accessFieldWhere(describe(
                        "System.out or System.err",
                        access -> access.getTargetOwner().getFullName().equals("java.lang.System")
                                && Set.of("out", "err").contains(access.getName()))));
    }

    @Test
    void shouldNotAllocateOnTheHotPath() {
        check(classes().should(keepTheHotPathClean()));
    }

    @Test
    void shouldKeepLandmarksUnderTheirKernelNamesInTheirModule() {
        for (JavaClass type : stack) {
            for (JavaCodeUnit method : type.getMethods()) {
                String home = LANDMARKS.get(method.getName());
                if (home != null) {
                    assertThat(type.getPackageName())
                            .as("home of %s", method.getFullName())
                            .startsWith(home);
                }
            }
        }
    }

    private void check(ArchRule rule) {
        rule.allowEmptyShould(true).check(stack);
    }

    private static DescribedPredicate<JavaClass> live() {
        return describe("are the live clock or scheduler", type -> {
            JavaClass outermost = type;
            while (outermost.getEnclosingClass().isPresent()) {
                outermost = outermost.getEnclosingClass().get();
            }
            return LIVE.contains(outermost.getSimpleName());
        });
    }

    private static DescribedPredicate<JavaMethodCall> callOf(Set<String> targets) {
        return describe("one of " + targets, call -> targets.contains(qualified(call.getTarget())));
    }

    private static String qualified(AccessTarget target) {
        return target.getOwner().getFullName() + "." + target.getName();
    }

    private static ArchCondition<JavaField> notHoldMutableCollections() {
        return new ArchCondition<>("hold no growing collection") {
            @Override
            public void check(JavaField field, ConditionEvents events) {
                String type = field.getRawType().getFullName();
                boolean grows =
                        type.matches("java\\.util\\.(concurrent\\.)?(atomic\\..*|.*HashMap|.*HashSet|.*ArrayList"
                                        + "|.*Deque|.*Queue|ThreadLocal)")
                                || type.equals("java.lang.ThreadLocal");
                if (grows && !HARMLESS_STATICS.contains(field.getFullName())) {
                    events.add(SimpleConditionEvent.violated(field, field.getDescription() + " has type " + type));
                }
            }
        };
    }

    private static ArchCondition<JavaClass> keepTheHotPathClean() {
        return new ArchCondition<>("allocate nothing in methods marked @HotPath") {
            @Override
            public void check(JavaClass type, ConditionEvents events) {
                boolean all = type.isAnnotatedWith("net.skbuff.HotPath");
                for (JavaCodeUnit unit : type.getCodeUnits()) {
                    boolean marked = unit.isAnnotatedWith("net.skbuff.HotPath")
                            || all
                                    && !unit.isConstructor()
                                    && !unit.getModifiers().contains(JavaModifier.SYNTHETIC);
                    if (marked
                            && !unit.getName().equals("<clinit>")
                            && !unit.getName().equals("toString")) {
                        unit.getMethodCallsFromSelf().stream()
                                .filter(call -> allocates(call))
                                .map(ArchitectureTest::violation)
                                .forEach(events::add);
                    }
                }
            }
        };
    }

    private static boolean allocates(JavaMethodCall call) {
        String owner = call.getTargetOwner().getFullName();
        String name = call.getName();
        return ALLOCATING_OWNERS.contains(owner)
                || owner.equals("java.lang.String") && (name.equals("format") || name.equals("formatted"))
                || BOXES.contains(owner) && name.equals("valueOf")
                || name.equals("stream") && owner.startsWith("java.util.");
    }

    private static ConditionEvent violation(JavaAccess<?> access) {
        return SimpleConditionEvent.violated(access, access.getDescription());
    }

    private static <T> DescribedPredicate<T> describe(String what, java.util.function.Predicate<? super T> test) {
        return DescribedPredicate.describe(what, test);
    }
}
