package net.softnet.mutation;

/** Stands for the scripts where PIT wants a test class: {@link ScriptUnits} makes a test of each of them. */
public final class Scripts {
    private Scripts() {}
}
