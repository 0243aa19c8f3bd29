package net.skbuff;

import org.agrona.UnsafeApi;

/**
 * Walks over a packet's bytes: linear part, fragments, fragment list.
 *
 * <p>Linux: skb_copy_bits(), skb_store_bits(), __skb_checksum(), skb_copy_and_csum_bits(), net/core/skbuff.c;
 * skb_copy_datagram_iter(), net/core/datagram.c
 */
@HotPath
final class SkbData {
    private SkbData() {}

    static int copyBits(SkBuff skb, int offset, long to, int length) {
        int off = offset;
        int n = length;
        long dst = to;
        if (off < 0 || n < 0 || off > skb.len - n) {
            return -Errno.EFAULT;
        }
        int linear = skb.headlen();
        if (off < linear) {
            int k = Math.min(linear - off, n);
            copy(skb.dataAddress() + off, dst, k);
            n -= k;
            if (n == 0) {
                return 0;
            }
            off += k;
            dst += k;
        } else if (n == 0) {
            return 0;
        }
        off -= linear;
        SkbSharedInfo info = skb.shinfo();
        for (int i = 0; i < info.nrFrags; i++) {
            int size = info.fragSize[i];
            if (off < size) {
                int k = Math.min(size - off, n);
                copy(info.fragAddress(i) + off, dst, k);
                n -= k;
                if (n == 0) {
                    return 0;
                }
                dst += k;
                off = 0;
            } else {
                off -= size;
            }
        }
        for (SkBuff s = info.fragList; s != null; s = s.next) {
            if (off < s.len) {
                int k = Math.min(s.len - off, n);
                int err = copyBits(s, off, dst, k);
                n -= k;
                if (err != 0 || n == 0) {
                    return err;
                }
                dst += k;
                off = 0;
            } else {
                off -= s.len;
            }
        }
        return -Errno.EFAULT;
    }

    static int storeBits(SkBuff skb, int offset, long from, int length) {
        int off = offset;
        int n = length;
        long src = from;
        if (off < 0 || n < 0 || off > skb.len - n) {
            return -Errno.EFAULT;
        }
        int linear = skb.headlen();
        if (off < linear) {
            int k = Math.min(linear - off, n);
            copy(src, skb.dataAddress() + off, k);
            n -= k;
            off += k;
            src += k;
        }
        if (n == 0) {
            return 0;
        }
        off -= linear;
        SkbSharedInfo info = skb.shinfo();
        for (int i = 0; i < info.nrFrags; i++) {
            int size = info.fragSize[i];
            if (off < size) {
                int k = Math.min(size - off, n);
                if (info.fragPage(i).isPinnedUser()) {
                    return -Errno.EFAULT;
                }
                copy(src, info.fragAddress(i) + off, k);
                n -= k;
                if (n == 0) {
                    return 0;
                }
                src += k;
                off = 0;
            } else {
                off -= size;
            }
        }
        for (SkBuff s = info.fragList; s != null; s = s.next) {
            if (off < s.len) {
                int k = Math.min(s.len - off, n);
                int err = storeBits(s, off, src, k);
                n -= k;
                if (err != 0 || n == 0) {
                    return err;
                }
                src += k;
                off = 0;
            } else {
                off -= s.len;
            }
        }
        return -Errno.EFAULT;
    }

    static int copyDatagram(SkBuff skb, int offset, UserBuf to, int length) {
        if (offset < 0 || length < 0 || offset > skb.len - length || length > to.remaining()) {
            return -Errno.EFAULT;
        }
        int before = to.remaining();
        int err = walkOut(skb, offset, to, length);
        if (err != 0) {
            to.revert(before - to.remaining());
        }
        return err;
    }

    private static int walkOut(SkBuff skb, int offset, UserBuf to, int length) {
        int off = offset;
        int n = length;
        int linear = skb.headlen();
        if (off < linear) {
            int k = Math.min(linear - off, n);
            if (to.copyOut(skb.dataAddress() + off, k) != k) {
                return -Errno.EFAULT;
            }
            n -= k;
            off += k;
        }
        if (n == 0) {
            return 0;
        }
        off -= linear;
        SkbSharedInfo info = skb.shinfo();
        for (int i = 0; i < info.nrFrags; i++) {
            int size = info.fragSize[i];
            if (off < size) {
                int k = Math.min(size - off, n);
                if (to.copyOut(info.fragAddress(i) + off, k) != k) {
                    return -Errno.EFAULT;
                }
                n -= k;
                if (n == 0) {
                    return 0;
                }
                off = 0;
            } else {
                off -= size;
            }
        }
        for (SkBuff s = info.fragList; s != null; s = s.next) {
            if (off < s.len) {
                int k = Math.min(s.len - off, n);
                int err = walkOut(s, off, to, k);
                n -= k;
                if (err != 0 || n == 0) {
                    return err;
                }
                off = 0;
            } else {
                off -= s.len;
            }
        }
        return -Errno.EFAULT;
    }

    static int copyDatagramFrom(SkBuff skb, int offset, UserBuf from, int length) {
        int off = offset;
        int n = length;
        if (off < 0 || n < 0 || off > skb.len - n) {
            return -Errno.EFAULT;
        }
        int linear = skb.headlen();
        if (off < linear) {
            int k = Math.min(linear - off, n);
            if (from.copyIn(skb.dataAddress() + off, k) != k) {
                return -Errno.EFAULT;
            }
            n -= k;
            off += k;
        }
        if (n == 0) {
            return 0;
        }
        off -= linear;
        SkbSharedInfo info = skb.shinfo();
        for (int i = 0; i < info.nrFrags; i++) {
            int size = info.fragSize[i];
            if (off < size) {
                int k = Math.min(size - off, n);
                if (from.copyIn(info.fragAddress(i) + off, k) != k) {
                    return -Errno.EFAULT;
                }
                n -= k;
                if (n == 0) {
                    return 0;
                }
                off = 0;
            } else {
                off -= size;
            }
        }
        return -Errno.EFAULT;
    }

    static int checksum(SkBuff skb, int offset, int length, int seed) {
        int off = offset;
        int n = length;
        int sum = seed;
        int pos = 0;
        if (off < 0 || n < 0 || off > skb.len - n) {
            throw new IllegalStateException("checksum(" + offset + ", " + length + ") of " + skb);
        }
        int linear = skb.headlen();
        if (off < linear) {
            pos = Math.min(linear - off, n);
            sum = Checksum.partial(skb.dataAddress() + off, pos, sum);
            n -= pos;
            off += pos;
        }
        if (n == 0) {
            return sum;
        }
        off -= linear;
        SkbSharedInfo info = skb.shinfo();
        for (int i = 0; i < info.nrFrags && n > 0; i++) {
            int size = info.fragSize[i];
            if (off < size) {
                int k = Math.min(size - off, n);
                sum = Checksum.blockAdd(sum, Checksum.partial(info.fragAddress(i) + off, k, 0), pos);
                n -= k;
                pos += k;
                off = 0;
            } else {
                off -= size;
            }
        }
        for (SkBuff s = info.fragList; s != null && n > 0; s = s.next) {
            if (off < s.len) {
                int k = Math.min(s.len - off, n);
                sum = Checksum.blockAdd(sum, checksum(s, off, k, 0), pos);
                n -= k;
                pos += k;
                off = 0;
            } else {
                off -= s.len;
            }
        }
        return sum;
    }

    static int copyAndChecksum(SkBuff skb, int offset, long to, int length, int seed) {
        int off = offset;
        int n = length;
        int sum = seed;
        int pos = 0;
        if (off < 0 || n < 0 || off > skb.len - n) {
            throw new IllegalStateException("copyAndChecksum(" + offset + ", " + length + ") of " + skb);
        }
        int linear = skb.headlen();
        if (off < linear) {
            pos = Math.min(linear - off, n);
            sum = Checksum.copy(skb.dataAddress() + off, to, pos, sum);
            n -= pos;
            off += pos;
        }
        if (n == 0) {
            return sum;
        }
        off -= linear;
        SkbSharedInfo info = skb.shinfo();
        for (int i = 0; i < info.nrFrags && n > 0; i++) {
            int size = info.fragSize[i];
            if (off < size) {
                int k = Math.min(size - off, n);
                sum = Checksum.blockAdd(sum, Checksum.copy(info.fragAddress(i) + off, to + pos, k, 0), pos);
                n -= k;
                pos += k;
                off = 0;
            } else {
                off -= size;
            }
        }
        for (SkBuff s = info.fragList; s != null && n > 0; s = s.next) {
            if (off < s.len) {
                int k = Math.min(s.len - off, n);
                sum = Checksum.blockAdd(sum, copyAndChecksum(s, off, to + pos, k, 0), pos);
                n -= k;
                pos += k;
                off = 0;
            } else {
                off -= s.len;
            }
        }
        return sum;
    }

    private static void copy(long src, long dst, int n) {
        UnsafeApi.copyMemory(src, dst, n);
    }
}
