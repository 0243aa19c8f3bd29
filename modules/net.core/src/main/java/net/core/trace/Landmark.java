package net.core.trace;

/**
 * The functions that a packet is known by: those which a kernel engineer names when telling a packet's way. Each constant
 * carries its Java name, its Linux name and file, and the layer that it is drawn in.
 */
public enum Landmark {
    // ---- out
    SOCK_SENDMSG("sockSendmsg", "sock_sendmsg", "net/socket.c", Layer.SOCKET),
    TCP_SENDMSG("tcpSendmsg", "tcp_sendmsg", "net/ipv4/tcp.c", Layer.TCP),
    TCP_PUSH("tcpPush", "tcp_push", "net/ipv4/tcp.c", Layer.TCP),
    TCP_WRITE_XMIT("tcpWriteXmit", "tcp_write_xmit", "net/ipv4/tcp_output.c", Layer.TCP),
    TCP_TRANSMIT_SKB("tcpTransmitSkb", "tcp_transmit_skb", "net/ipv4/tcp_output.c", Layer.TCP),
    TCP_SEND_ACK("tcpSendAck", "tcp_send_ack", "net/ipv4/tcp_output.c", Layer.TCP),
    TCP_RETRANSMIT_SKB("tcpRetransmitSkb", "tcp_retransmit_skb", "net/ipv4/tcp_output.c", Layer.TCP),
    IP_QUEUE_XMIT("ipQueueXmit", "ip_queue_xmit", "net/ipv4/ip_output.c", Layer.IP),
    IP_LOCAL_OUT("ipLocalOut", "ip_local_out", "net/ipv4/ip_output.c", Layer.IP),
    IP_OUTPUT("ipOutput", "ip_output", "net/ipv4/ip_output.c", Layer.IP),
    IP_FINISH_OUTPUT("ipFinishOutput", "ip_finish_output", "net/ipv4/ip_output.c", Layer.IP),
    NEIGH_OUTPUT("neighOutput", "neigh_output", "include/net/neighbour.h", Layer.NEIGH),
    DEV_QUEUE_XMIT("devQueueXmit", "dev_queue_xmit", "net/core/dev.c", Layer.DEV),
    QDISC_ENQUEUE("qdiscEnqueue", "dev_qdisc_enqueue", "net/core/dev.c", Layer.QDISC),
    QDISC_DEQUEUE("dequeueSkb", "dequeue_skb", "net/sched/sch_generic.c", Layer.QDISC),
    SCH_DIRECT_XMIT("schDirectXmit", "sch_direct_xmit", "net/sched/sch_generic.c", Layer.QDISC),
    DEV_HARD_START_XMIT("devHardStartXmit", "dev_hard_start_xmit", "net/core/dev.c", Layer.DEV),
    NDO_START_XMIT("ndoStartXmit", "ndo_start_xmit", "include/linux/netdevice.h", Layer.DRIVER),
    NETIF_TX_STOP_QUEUE("netifTxStopQueue", "netif_tx_stop_queue", "include/linux/netdevice.h", Layer.DRIVER),
    NETIF_TX_WAKE_QUEUE("netifTxWakeQueue", "netif_tx_wake_queue", "net/core/dev.c", Layer.DRIVER),
    NET_TX_ACTION("netTxAction", "net_tx_action", "net/core/dev.c", Layer.DEV),
    TCP_TASKLET("tcpTsqHandler", "tcp_tsq_handler", "net/ipv4/tcp_output.c", Layer.TCP),

    // ---- in
    IRQ("interrupt", "handle_irq_event", "kernel/irq/handle.c", Layer.DRIVER),
    NAPI_SCHEDULE("napiSchedule", "napi_schedule", "net/core/dev.c", Layer.DRIVER),
    NETIF_RX("netifRx", "netif_rx", "net/core/dev.c", Layer.DEV),
    NET_RX_ACTION("netRxAction", "net_rx_action", "net/core/dev.c", Layer.DEV),
    NAPI_POLL("poll", "napi_poll", "net/core/dev.c", Layer.DRIVER),
    NAPI_GRO_RECEIVE("napiGroReceive", "napi_gro_receive", "net/core/gro.c", Layer.DEV),
    NETIF_RECEIVE_SKB("netifReceiveSkb", "netif_receive_skb", "net/core/dev.c", Layer.DEV),
    IP_RCV("ipRcv", "ip_rcv", "net/ipv4/ip_input.c", Layer.IP),
    IP_RCV_FINISH("ipRcvFinish", "ip_rcv_finish", "net/ipv4/ip_input.c", Layer.IP),
    IP_LOCAL_DELIVER("ipLocalDeliver", "ip_local_deliver", "net/ipv4/ip_input.c", Layer.IP),
    TCP_V4_RCV("tcpV4Rcv", "tcp_v4_rcv", "net/ipv4/tcp_ipv4.c", Layer.TCP),
    TCP_RCV_ESTABLISHED("tcpRcvEstablished", "tcp_rcv_established", "net/ipv4/tcp_input.c", Layer.TCP),
    TCP_RCV_STATE_PROCESS("tcpRcvStateProcess", "tcp_rcv_state_process", "net/ipv4/tcp_input.c", Layer.TCP),
    TCP_ACK("tcpAck", "tcp_ack", "net/ipv4/tcp_input.c", Layer.TCP),
    TCP_DATA_QUEUE("tcpDataQueue", "tcp_data_queue", "net/ipv4/tcp_input.c", Layer.TCP),
    TCP_QUEUE_RCV("tcpQueueRcv", "tcp_queue_rcv", "net/ipv4/tcp_input.c", Layer.TCP),
    TCP_DATA_SND_CHECK("tcpDataSndCheck", "tcp_data_snd_check", "net/ipv4/tcp_input.c", Layer.TCP),
    TCP_ACK_SND_CHECK("tcpAckSndCheck", "tcp_ack_snd_check", "net/ipv4/tcp_input.c", Layer.TCP),
    SK_DATA_READY("dataReady", "sk_data_ready", "net/core/sock.c", Layer.SOCKET),
    TCP_RECVMSG("tcpRecvmsg", "tcp_recvmsg", "net/ipv4/tcp.c", Layer.TCP),

    // ---- by the clock
    RUN_TIMERS("runTimers", "run_timer_softirq", "kernel/time/timer.c", Layer.TIMER),
    TCP_WRITE_TIMER("tcpWriteTimer", "tcp_write_timer", "net/ipv4/tcp_timer.c", Layer.TIMER),
    TCP_RETRANSMIT_TIMER("tcpRetransmitTimer", "tcp_retransmit_timer", "net/ipv4/tcp_timer.c", Layer.TIMER),
    TCP_DELACK_TIMER("tcpDelackTimer", "tcp_delack_timer", "net/ipv4/tcp_timer.c", Layer.TIMER),
    TCP_KEEPALIVE_TIMER("tcpKeepaliveTimer", "tcp_keepalive_timer", "net/ipv4/tcp_timer.c", Layer.TIMER),
    TW_TIMER_HANDLER("twTimerHandler", "tw_timer_handler", "net/ipv4/inet_timewait_sock.c", Layer.TIMER),
    TCP_TIME_WAIT("tcpTimeWait", "tcp_time_wait", "net/ipv4/tcp_minisocks.c", Layer.TCP);

    /** What a landmark is drawn in, from the application down. */
    public enum Layer {
        SOCKET("socket"),
        TCP("TCP"),
        IP("IP"),
        NEIGH("neighbour"),
        QDISC("qdisc"),
        DEV("device core"),
        DRIVER("driver"),
        TIMER("timer");

        private final String title;

        Layer(String title) {
            this.title = title;
        }

        /** The layer's name for people. */
        public String title() {
            return title;
        }
    }

    private final String javaName;
    private final String linuxName;
    private final String linuxFile;
    private final Layer layer;

    Landmark(String javaName, String linuxName, String linuxFile, Layer layer) {
        this.javaName = javaName;
        this.linuxName = linuxName;
        this.linuxFile = linuxFile;
        this.layer = layer;
    }

    /** The method's name here. */
    public String javaName() {
        return javaName;
    }

    /** The function's name in Linux. */
    public String linuxName() {
        return linuxName;
    }

    /** Where Linux has it. */
    public String linuxFile() {
        return linuxFile;
    }

    /** What it is drawn in. */
    public Layer layer() {
        return layer;
    }
}
