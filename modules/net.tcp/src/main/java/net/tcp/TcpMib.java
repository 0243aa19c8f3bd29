package net.tcp;

import net.core.MibCounter;

/**
 * The counters of group Tcp (RFC 4022), named as the kernel names them (without TCP_MIB_).
 *
 * <p>Linux: enum TCP_MIB_*, include/uapi/linux/snmp.h
 */
public enum TcpMib implements MibCounter {
    RTOALGORITHM("RtoAlgorithm"),
    RTOMIN("RtoMin"),
    RTOMAX("RtoMax"),
    MAXCONN("MaxConn"),
    ACTIVEOPENS("ActiveOpens"),
    PASSIVEOPENS("PassiveOpens"),
    ATTEMPTFAILS("AttemptFails"),
    ESTABRESETS("EstabResets"),
    CURRESTAB("CurrEstab"),
    INSEGS("InSegs"),
    OUTSEGS("OutSegs"),
    RETRANSSEGS("RetransSegs"),
    INERRS("InErrs"),
    OUTRSTS("OutRsts"),
    INCSUMERRORS("InCsumErrors");

    private final String mibName;

    TcpMib(String mibName) {
        this.mibName = mibName;
    }

    /** The counter's name as nstat prints it, without its group. */
    @Override
    public String mibName() {
        return mibName;
    }
}
