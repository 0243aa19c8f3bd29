package net.sched;

/** Keeps the exported package non-empty until its first class arrives; delete it then. */
final class Placeholder {
    private Placeholder() {}
}
