package net.core;

import jdk.jfr.FlightRecorder;
import jdk.jfr.FlightRecorderListener;
import jdk.jfr.Recording;
import jdk.jfr.RecordingState;

/**
 * Turns a kernel's tracepoints on while any recording of the JVM runs. Listening does not start the flight recorder.
 *
 * <p>Context: JFR calls it in the thread that starts or stops a recording. The flags are plain: other threads see a change
 * soon, at the latest when they take a CPU's word again.
 */
final class TraceSwitch implements FlightRecorderListener {
    private final Kernel kernel;

    TraceSwitch(Kernel kernel) {
        this.kernel = kernel;
    }

    void open() {
        FlightRecorder.addListener(this);
        if (FlightRecorder.isInitialized()) {
            set(anyRunning());
        }
    }

    void close() {
        FlightRecorder.removeListener(this);
    }

    @Override
    public void recorderInitialized(FlightRecorder recorder) {
        set(anyRunning());
    }

    @Override
    public void recordingStateChanged(Recording recording) {
        set(recording.getState() == RecordingState.RUNNING || anyRunning());
    }

    private static boolean anyRunning() {
        for (Recording recording : FlightRecorder.getFlightRecorder().getRecordings()) {
            if (recording.getState() == RecordingState.RUNNING) {
                return true;
            }
        }
        return false;
    }

    private void set(boolean on) {
        kernel.setTracing(on);
    }
}
