package net.softnet.mutation;

import java.util.Collection;
import java.util.List;
import java.util.Optional;
import org.pitest.classinfo.ClassByteArraySource;
import org.pitest.help.PitHelpError;
import org.pitest.testapi.Configuration;
import org.pitest.testapi.TestGroupConfig;
import org.pitest.testapi.TestPluginFactory;
import org.pitest.testapi.TestSuiteFinder;
import org.pitest.testapi.TestUnitFinder;

/** Teaches PIT to run packetdrill scripts, beside its plug-in for JUnit. */
public final class ScriptPlugin implements TestPluginFactory {
    @Override
    public Configuration createTestFrameworkConfiguration(
            TestGroupConfig groups,
            ClassByteArraySource classes,
            Collection<String> runners,
            Collection<String> methods) {
        return new Scripting();
    }

    @Override
    public String name() {
        return "packetdrill";
    }

    @Override
    public String description() {
        return "packetdrill scripts";
    }

    private static final class Scripting implements Configuration {
        @Override
        public TestUnitFinder testUnitFinder() {
            return new ScriptUnits();
        }

        @Override
        public TestSuiteFinder testSuiteFinder() {
            return testClass -> List.of();
        }

        @Override
        public Optional<PitHelpError> verifyEnvironment() {
            return Optional.empty();
        }
    }
}
