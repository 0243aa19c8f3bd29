package softnet.tools.iperf;

/** The bytes that both ends send over the control connection. */
public final class IperfState {
    /** Names a test: 36 characters and a NUL; the first bytes of each of its connections. */
    public static final int COOKIE_BYTES = 37;

    /** Longest JSON that we take. iperf3 itself has no limit in 3.12. */
    public static final int MAX_JSON_BYTES = 1 << 20;

    public static final int TEST_START = 1;
    public static final int TEST_RUNNING = 2;
    public static final int TEST_END = 4;
    public static final int PARAM_EXCHANGE = 9;
    public static final int CREATE_STREAMS = 10;
    public static final int SERVER_TERMINATE = 11;
    public static final int CLIENT_TERMINATE = 12;
    public static final int EXCHANGE_RESULTS = 13;
    public static final int DISPLAY_RESULTS = 14;
    public static final int IPERF_DONE = 16;
    public static final int ACCESS_DENIED = -1;
    /** Followed by iperf's own error number and errno, each 4 bytes in network order. */
    public static final int SERVER_ERROR = -2;

    /** What a UDP client sends first, in its own byte order. */
    public static final int UDP_CONNECT_MSG = 0x36373839;

    /** What it waits for. */
    public static final int UDP_CONNECT_REPLY = 0x39383736;

    /** iperf's error number of a parameter that the server cannot serve (IEUNIMP). */
    public static final int ERROR_UNIMPLEMENTED = 13;

    private IperfState() {}

    /**
     * The number that both ends give the {@code n}th stream of a test, counted from 0. The second stream is 3: a quirk
     * of iperf3 that both ends share.
     */
    public static int streamId(int n) {
        return n == 0 ? 1 : n + 2;
    }
}
