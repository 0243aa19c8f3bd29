package net.testkit.packetdrill.lang;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** An argument or a result of a system call. Words are not resolved here: see {@link Symbols}. */
public sealed interface Expr {
    /** {@code 5}, {@code -1}, {@code 0x1f}. @param hex how it was written */
    record Int(long value, boolean hex) implements Expr {}

    /** A symbolic constant or another bare word, such as {@code AF_INET}. */
    record Word(String name) implements Expr {}

    /** {@code "text"}, adjacent ones joined; {@link Escapes#bytes} undoes its escapes. @param open followed by {@code ...} */
    record Str(String raw, boolean open) implements Expr {}

    /** {@code ...}: whatever the runner fills in, or anything at all. */
    record Ellipsis() implements Expr {}

    /** {@code a | b}. */
    record Or(Expr left, Expr right) implements Expr {}

    /** {@code NAME = value}: an element of a {@link Braces} list, such as a netlink attribute of a cmsg. */
    record Assign(String name, Expr value) implements Expr {}

    /** {@code [a, b]}. */
    record Array(List<Expr> items) implements Expr {
        public Array {
            items = List.copyOf(items);
        }
    }

    /** {@code {a, b}}, not one of the structures below. */
    record Braces(List<Expr> items) implements Expr {
        public Braces {
            items = List.copyOf(items);
        }
    }

    /** {@code {sa_family = AF_INET, sin_port = htons(80), sin_addr = inet_addr("1.2.3.4")}}. */
    record SockAddr(String family, int port, String address) implements Expr {}

    /** {@code inet_addr("1.2.3.4")}, {@code inet6_addr("::1")}. */
    record Address(boolean ipv6, String text) implements Expr {}

    /** {@code {msg_name(...)=..., msg_iov(1)=[{..., 1000}], msg_flags=0, msg_control=[...]}}. */
    record MsgHdr(int iovLen, Array iov, Expr flags, List<Cmsg> control) implements Expr {
        public MsgHdr {
            control = List.copyOf(control);
        }
    }

    /** {@code {..., 1000}}. */
    record Iovec(long length) implements Expr {}

    /** {@code {cmsg_level=SOL_SOCKET, cmsg_type=SO_TIMESTAMPING, cmsg_data=...}}. */
    record Cmsg(Expr level, Expr type, Expr data) implements Expr {}

    /** {@code {scm_sec=0, scm_nsec=10000000}}; 0 and 0 is not compared. */
    record Timestamping(long sec, long nsec) implements Expr {}

    /** {@code {ee_errno=0, ee_origin=..., ee_type=..., ee_code=..., ee_info=..., ee_data=...}}. */
    record ExtendedErr(Expr errno, Expr origin, Expr type, Expr code, Expr info, Expr data) implements Expr {}

    /** {@code {fd=3, events=POLLIN, revents=0}}. @param revents 0 if not written */
    record PollFd(Expr fd, Expr events, Expr revents) implements Expr {}

    /** {@code {events=EPOLLIN, fd=4}}. @param member which of the union was written: fd, ptr, u32 or u64 */
    record EpollEvent(Expr events, String member, Expr data) implements Expr {}

    /** {@code {onoff=1, linger=0}}. */
    record Linger(int onoff, int linger) implements Expr {}

    /** The integer here, if this is one. */
    default @Nullable Long asInt() {
        return this instanceof Int i ? i.value : null;
    }
}
