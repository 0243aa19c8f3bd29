package net.ipv4;

import net.core.MibCounter;

/**
 * Counters of group {@code IpExt}. Those of group {@code Ip} are {@link Ip}.
 *
 * <p>Linux: snmp4_ipextstats_list, net/ipv4/proc.c
 */
public enum IpMib implements MibCounter {
    INNOROUTES("InNoRoutes"),
    INTRUNCATEDPKTS("InTruncatedPkts"),
    INMCASTPKTS("InMcastPkts"),
    OUTMCASTPKTS("OutMcastPkts"),
    INBCASTPKTS("InBcastPkts"),
    OUTBCASTPKTS("OutBcastPkts"),
    INOCTETS("InOctets"),
    OUTOCTETS("OutOctets"),
    INMCASTOCTETS("InMcastOctets"),
    OUTMCASTOCTETS("OutMcastOctets"),
    INBCASTOCTETS("InBcastOctets"),
    OUTBCASTOCTETS("OutBcastOctets"),
    INCSUMERRORS("InCsumErrors"),
    INNOECTPKTS("InNoECTPkts"),
    INECT1PKTS("InECT1Pkts"),
    INECT0PKTS("InECT0Pkts"),
    INCEPKTS("InCEPkts"),
    REASMOVERLAPS("ReasmOverlaps");

    private final String mibName;

    IpMib(String mibName) {
        this.mibName = mibName;
    }

    @Override
    public String mibName() {
        return mibName;
    }

    /** Counters of group {@code Ip}. Linux: snmp4_ipstats_list */
    public enum Ip implements MibCounter {
        INRECEIVES("InReceives"),
        INHDRERRORS("InHdrErrors"),
        INADDRERRORS("InAddrErrors"),
        FORWDATAGRAMS("ForwDatagrams"),
        INUNKNOWNPROTOS("InUnknownProtos"),
        INDISCARDS("InDiscards"),
        INDELIVERS("InDelivers"),
        OUTREQUESTS("OutRequests"),
        OUTDISCARDS("OutDiscards"),
        OUTNOROUTES("OutNoRoutes"),
        REASMTIMEOUT("ReasmTimeout"),
        REASMREQDS("ReasmReqds"),
        REASMOKS("ReasmOKs"),
        REASMFAILS("ReasmFails"),
        FRAGOKS("FragOKs"),
        FRAGFAILS("FragFails"),
        FRAGCREATES("FragCreates"),
        OUTTRANSMITS("OutTransmits");

        private final String mibName;

        Ip(String mibName) {
            this.mibName = mibName;
        }

        @Override
        public String mibName() {
            return mibName;
        }
    }

    /** Counters of group {@code Icmp}. Linux: snmp4_icmp_list, icmpmibmap */
    public enum Icmp implements MibCounter {
        INMSGS("InMsgs"),
        INERRORS("InErrors"),
        INCSUMERRORS("InCsumErrors"),
        INDESTUNREACHS("InDestUnreachs"),
        INTIMEEXCDS("InTimeExcds"),
        INPARMPROBS("InParmProbs"),
        INSRCQUENCHS("InSrcQuenchs"),
        INREDIRECTS("InRedirects"),
        INECHOS("InEchos"),
        INECHOREPS("InEchoReps"),
        INTIMESTAMPS("InTimestamps"),
        INTIMESTAMPREPS("InTimestampReps"),
        INADDRMASKS("InAddrMasks"),
        INADDRMASKREPS("InAddrMaskReps"),
        OUTMSGS("OutMsgs"),
        OUTERRORS("OutErrors"),
        OUTRATELIMITGLOBAL("OutRateLimitGlobal"),
        OUTRATELIMITHOST("OutRateLimitHost"),
        OUTDESTUNREACHS("OutDestUnreachs"),
        OUTTIMEEXCDS("OutTimeExcds"),
        OUTPARMPROBS("OutParmProbs"),
        OUTSRCQUENCHS("OutSrcQuenchs"),
        OUTREDIRECTS("OutRedirects"),
        OUTECHOS("OutEchos"),
        OUTECHOREPS("OutEchoReps"),
        OUTTIMESTAMPS("OutTimestamps"),
        OUTTIMESTAMPREPS("OutTimestampReps"),
        OUTADDRMASKS("OutAddrMasks"),
        OUTADDRMASKREPS("OutAddrMaskReps");

        private final String mibName;

        Icmp(String mibName) {
            this.mibName = mibName;
        }

        @Override
        public String mibName() {
            return mibName;
        }
    }

    /** Counters of group {@code Udp}. Linux: snmp4_udp_list */
    public enum Udp implements MibCounter {
        INDATAGRAMS("InDatagrams"),
        NOPORTS("NoPorts"),
        INERRORS("InErrors"),
        OUTDATAGRAMS("OutDatagrams"),
        RCVBUFERRORS("RcvbufErrors"),
        SNDBUFERRORS("SndbufErrors"),
        INCSUMERRORS("InCsumErrors"),
        IGNOREDMULTI("IgnoredMulti"),
        MEMERRORS("MemErrors");

        private final String mibName;

        Udp(String mibName) {
            this.mibName = mibName;
        }

        @Override
        public String mibName() {
            return mibName;
        }
    }
}
