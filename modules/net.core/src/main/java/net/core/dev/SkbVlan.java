package net.core.dev;

import net.skbuff.Errno;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import net.skbuff.SkbCache;
import org.agrona.UnsafeApi;

/**
 * VLAN tags (IEEE 802.1Q): in a packet's fields, where it was received or is going to be sent by a device that inserts them,
 * or in its bytes, behind the addresses.
 *
 * <pre>
 *  0            6            12       14       16      18
 * +------------+------------+--------+--------+-------+----- - -
 * | dest.      | source     | 0x8100 | TCI    | type  | payload
 * +------------+------------+--------+--------+-------+----- - -
 * </pre>
 *
 * <p>Linux: skb_vlan_push(), skb_vlan_pop(), skb_vlan_untag(), net/core/skbuff.c; include/linux/if_vlan.h
 */
public final class SkbVlan {
    /** Length of a tag, bytes. */
    public static final int VLAN_HLEN = 4;
    /** The bits of a TCI that are the VLAN's number. */
    public static final int VLAN_VID_MASK = 0x0FFF;
    /** The bits of a TCI that are the priority. */
    public static final int VLAN_PRIO_MASK = 0xE000;
    /** Place of the priority in a TCI. */
    public static final int VLAN_PRIO_SHIFT = 13;

    private static final int ADDRESSES = 2 * EthHdr.ETH_ALEN;

    private SkbVlan() {}

    /** Tells whether an ethertype is that of a tag. Linux: eth_type_vlan() */
    @HotPath
    public static boolean isVlan(int protocol) {
        return protocol == EthHdr.ETH_P_8021Q || protocol == EthHdr.ETH_P_8021AD;
    }

    /** Sets the tag in the fields. Linux: __vlan_hwaccel_put_tag() */
    @HotPath
    public static void putTag(SkBuff skb, int proto, int tci) {
        skb.vlanProto = proto;
        skb.vlanTci = tci;
        skb.vlanPresent = true;
    }

    /** Linux: __vlan_hwaccel_clear_tag() */
    @HotPath
    public static void clearTag(SkBuff skb) {
        skb.vlanPresent = false;
        skb.vlanTci = 0;
        skb.vlanProto = 0;
    }

    /** Adds a tag in the fields; one that is there moves into the bytes. Data at the link header. Returns 0 or an errno. */
    public static int push(SkbCache c, SkBuff skb, int proto, int tci) {
        if (skb.vlanPresent) {
            int err = insert(c, skb, skb.vlanProto, skb.vlanTci);
            if (err != 0) {
                return err;
            }
            skb.protocol = skb.vlanProto;
            if (skb.networkHeader >= 0) {
                skb.networkHeader -= VLAN_HLEN;
            }
            skb.postpushRcsum(skb.dataAddress() + ADDRESSES, VLAN_HLEN);
        }
        putTag(skb, proto, tci);
        return 0;
    }

    /**
     * Takes the outer tag off; the next one moves into the fields. Does nothing to a packet without. Data at the link header.
     * Returns 0 or an errno.
     */
    public static int pop(SkbCache c, SkBuff skb) {
        if (skb.vlanPresent) {
            clearTag(skb);
        } else if (isVlan(skb.protocol)) {
            int tci = remove(c, skb);
            if (tci < 0) {
                return tci;
            }
        }
        if (!isVlan(skb.protocol)) {
            return 0;
        }
        int proto = skb.protocol;
        int tci = remove(c, skb);
        if (tci < 0) {
            return tci;
        }
        putTag(skb, proto, tci);
        return 0;
    }

    /** Takes a tag out of the bytes and returns its TCI, or a negative errno. Linux: __skb_vlan_pop() */
    public static int remove(SkbCache c, SkBuff skb) {
        if (!skb.mayPull(c, EthHdr.ETH_HLEN + VLAN_HLEN)) {
            return -Errno.EINVAL;
        }
        if (skb.ensureWritable(c, EthHdr.ETH_HLEN + VLAN_HLEN) != 0) {
            return -Errno.ENOMEM;
        }
        long eth = skb.dataAddress();
        skb.postpullRcsum(eth + ADDRESSES, VLAN_HLEN);
        int tci = EthHdr.be16(eth + EthHdr.ETH_HLEN);
        int inner = EthHdr.be16(eth + EthHdr.ETH_HLEN + 2);
        UnsafeApi.copyMemory(eth, eth + VLAN_HLEN, ADDRESSES);
        skb.pull(VLAN_HLEN);
        skb.resetMacHeader();
        skb.protocol = inner >= EthHdr.ETH_P_802_3_MIN ? inner : EthHdr.ETH_P_802_3;
        if (skb.networkOffset() < EthHdr.ETH_HLEN) {
            skb.setNetworkHeader(EthHdr.ETH_HLEN);
        }
        skb.resetMacLen();
        return tci;
    }

    /** Writes a tag into the bytes, data at the link header; 0 or a negative errno. Linux: __vlan_insert_tag() */
    private static int insert(SkbCache c, SkBuff skb, int proto, int tci) {
        if (skb.headlen() < ADDRESSES && !skb.mayPull(c, ADDRESSES)) {
            return -Errno.EINVAL;
        }
        int err = skb.cowHead(c, VLAN_HLEN);
        if (err != 0) {
            return err;
        }
        skb.push(VLAN_HLEN);
        long eth = skb.dataAddress();
        UnsafeApi.copyMemory(eth + VLAN_HLEN, eth, ADDRESSES);
        skb.resetMacHeader();
        EthHdr.putBe16(eth + ADDRESSES, proto);
        EthHdr.putBe16(eth + EthHdr.ETH_HLEN, tci);
        return 0;
    }

    /** Moves the tag from the fields into the bytes, for a device that does not; 0 or an errno. Linux: __vlan_hwaccel_push_inside() */
    static int pushInside(SkbCache c, SkBuff skb) {
        int proto = skb.vlanProto;
        int err = insert(c, skb, proto, skb.vlanTci);
        if (err == 0) {
            skb.protocol = proto;
            clearTag(skb);
        }
        return err;
    }

    /** Moves the tag of a packet just received, data behind its first ethertype, into the fields; false if it is too short. */
    static boolean untag(SkbCache c, SkBuff skb) {
        if (skb.vlanPresent) {
            return true;
        }
        if (!skb.mayPull(c, VLAN_HLEN) || skb.cowHead(c, 0) != 0) {
            return false;
        }
        long tag = skb.dataAddress();
        int tci = EthHdr.be16(tag);
        int inner = EthHdr.be16(tag + 2);
        putTag(skb, skb.protocol, tci);
        skb.pullRcsum(VLAN_HLEN);
        skb.protocol = inner >= EthHdr.ETH_P_802_3_MIN ? inner : EthHdr.ETH_P_802_3;
        if (skb.macHeaderWasSet()) {
            long mac = skb.macAddress();
            UnsafeApi.copyMemory(mac, mac + VLAN_HLEN, ADDRESSES);
            skb.macHeader += VLAN_HLEN;
        }
        skb.resetNetworkHeader();
        skb.resetTransportHeader();
        skb.resetMacLen();
        return true;
    }
}
