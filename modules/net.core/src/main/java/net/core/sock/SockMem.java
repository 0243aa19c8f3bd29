package net.core.sock;

import net.core.Cpu;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import org.jspecify.annotations.Nullable;

/**
 * Memory accounting of sockets: whether a socket may hold {@code n} more bytes of packet memory.
 *
 * <p>A socket reserves whole pages from its protocol ({@link ProtoMemory}) and spends them byte by byte
 * ({@link Sock#forwardAlloc}); freed packets give bytes back to the reservation, and whole pages of it go back to the
 * protocol. So the shared counter is touched once a page and not once a packet.
 *
 * <p><b>Context:</b> {@code forwardAlloc} belongs to the socket lock (datagram protocols: the queue lock). The
 * {@code Cpu} argument is null where the caller holds no word; it only saves an atomic.
 *
 * <p>Linux: __sk_mem_raise_allocated(), net/core/sock.c
 */
public final class SockMem {
    public static final int SK_MEM_SEND = 0;
    public static final int SK_MEM_RECV = 1;

    /** Unit of reservation, bytes: a page. */
    public static final int SK_MEM_QUANTUM = 4096;

    private static final int QUANTUM_SHIFT = 12;

    /** What the smallest packet costs: 2 KiB of data and its head. Linux: TCP_SKB_MIN_TRUESIZE */
    public static final int SKB_MIN_TRUESIZE = 2048 + 256;

    public static final int SOCK_MIN_SNDBUF = 2 * SKB_MIN_TRUESIZE;
    public static final int SOCK_MIN_RCVBUF = SKB_MIN_TRUESIZE;

    private SockMem() {}

    /** Pages that hold {@code bytes}. Linux: sk_mem_pages() */
    public static int pages(int bytes) {
        return bytes + SK_MEM_QUANTUM - 1 >>> QUANTUM_SHIFT;
    }

    /** Adds at least {@code size} bytes to the reservation, or returns false and changes nothing. */
    @HotPath
    static boolean memSchedule(@Nullable Cpu cpu, Sock sk, int size, int kind) {
        int amt = pages(size);
        sk.forwardAlloc += amt << QUANTUM_SHIFT;
        ProtoMemory memory = memory(sk);
        if (memory == null || raiseAllocated(cpu, sk, memory, size, amt, kind)) {
            return true;
        }
        sk.forwardAlloc -= amt << QUANTUM_SHIFT;
        return false;
    }

    private static boolean raiseAllocated(@Nullable Cpu cpu, Sock sk, ProtoMemory memory, int size, int amt, int kind) {
        long allocated = memory.add(cpu, amt);
        if (allocated <= memory.limit(0)) {
            memory.leavePressure(cpu, sk);
            return true;
        }
        if (allocated > memory.limit(1)) {
            memory.enterPressure(cpu, sk);
        }
        if (allocated <= memory.limit(2) && mayGrow(sk, memory, kind)) {
            return true;
        }
        if (kind == SK_MEM_SEND && sk.type == SockConst.SOCK_STREAM) {
            moderateSndbuf(sk);
            // Failing would only make the writer wait, and it waits anyway once it is at its (moderated) bound.
            if (sk.wmemQueued + size >= sk.sndbuf) {
                return true;
            }
        }
        memory.add(cpu, -amt);
        return false;
    }

    /** Between the limits: everybody gets the minimum, and under pressure nobody more than an equal share. */
    private static boolean mayGrow(Sock sk, ProtoMemory memory, int kind) {
        Proto prot = java.util.Objects.requireNonNull(sk.prot);
        if (kind == SK_MEM_RECV) {
            if (sk.rmemAlloc() < prot.rmemMin(sk.net)) {
                return true;
            }
        } else {
            int queued = sk.type == SockConst.SOCK_STREAM ? sk.wmemQueued : sk.wmemAlloc();
            if (queued < prot.wmemMin(sk.net)) {
                return true;
            }
        }
        if (!memory.underPressure()) {
            return true;
        }
        long share = memory.socketsAllocated() * pages(sk.wmemQueued + sk.rmemAlloc() + sk.forwardAlloc);
        return memory.limit(2) > share;
    }

    /** Halves the send buffer of a socket whose memory ran out. Linux: sk_stream_moderate_sndbuf() */
    public static void moderateSndbuf(Sock sk) {
        if ((sk.userlocks & Sock.SOCK_SNDBUF_LOCK) == 0) {
            int val = Math.max(Math.min(sk.sndbuf, sk.wmemQueued >> 1), sk.unusedReservedMem());
            sk.sndbuf = Math.max(val, SOCK_MIN_SNDBUF);
        }
    }

    /** Gives whole pages of unused reservation back to the protocol. Linux: __sk_mem_reclaim() */
    @HotPath
    static void reclaim(@Nullable Cpu cpu, Sock sk) {
        int amt = sk.forwardAlloc - sk.unusedReservedMem() >> QUANTUM_SHIFT;
        if (amt > 0) {
            sk.forwardAlloc -= amt << QUANTUM_SHIFT;
            reduceAllocated(cpu, sk, amt);
        }
    }

    /** At the end of a socket: everything, reserved or not. */
    static void reclaimAll(@Nullable Cpu cpu, Sock sk) {
        sk.reservedMem = 0;
        reclaim(cpu, sk);
    }

    private static void reduceAllocated(@Nullable Cpu cpu, Sock sk, int amt) {
        ProtoMemory memory = memory(sk);
        if (memory != null) {
            long allocated = memory.add(cpu, -amt);
            if (memory.underPressure() && allocated < memory.limit(0)) {
                memory.leavePressure(cpu, sk);
            }
        }
    }

    private static @Nullable ProtoMemory memory(Sock sk) {
        Proto prot = sk.prot;
        return prot == null ? null : prot.memory;
    }

    // ---- destructors: any context ----

    static void sockRfree(SkBuff skb) {
        Sock sk = (Sock) java.util.Objects.requireNonNull(skb.sk);
        Sock.RMEM_ALLOC.getAndAdd(sk, -skb.truesize);
        sk.memUncharge(skb.truesize);
    }

    static void sockRmemFree(SkBuff skb) {
        Sock sk = (Sock) java.util.Objects.requireNonNull(skb.sk);
        Sock.RMEM_ALLOC.getAndAdd(sk, -skb.truesize);
    }

    static void sockWfree(SkBuff skb) {
        Sock sk = (Sock) java.util.Objects.requireNonNull(skb.sk);
        Sock.WMEM_ALLOC.getAndAdd(sk, -skb.truesize);
        if (!sk.flag(SockFlag.USE_WRITE_QUEUE)) {
            sk.writeSpace(null);
        }
    }
}
