package net.testkit.packetdrill.lang;

import java.util.ArrayList;
import java.util.List;
import net.testkit.packetdrill.lang.Token.Kind;

/** Arguments and results of system calls. */
final class ExprParser {
    private static final long U32 = 0xffff_ffffL;

    private final TokenStream in;

    ExprParser(TokenStream in) {
        this.in = in;
    }

    /** Expressions and commas up to a closing sign, which is taken too. */
    List<Expr> list(char close) throws ScriptException {
        List<Expr> items = new ArrayList<>();
        if (in.take(close)) {
            return items;
        }
        do {
            items.add(expr());
        } while (in.take(','));
        if (!in.take(close)) {
            throw in.expected("',' or '" + close + "'");
        }
        return items;
    }

    Expr expr() throws ScriptException {
        Expr left = primary();
        while (in.take('|')) {
            left = new Expr.Or(left, primary());
        }
        return left;
    }

    private Expr primary() throws ScriptException {
        Token t = in.peek();
        switch (t.kind()) {
            case ELLIPSIS -> {
                in.next();
                return new Expr.Ellipsis();
            }
            case INT -> {
                in.next();
                return new Expr.Int(value(t), false);
            }
            case HEX -> {
                in.next();
                return new Expr.Int(value(t), true);
            }
            case STRING -> {
                return string();
            }
            case WORD -> {
                return word();
            }
            default -> {
                if (in.take('[')) {
                    return new Expr.Array(list(']'));
                }
                if (in.take('{')) {
                    return braces();
                }
                throw in.expected("an argument");
            }
        }
    }

    private long value(Token t) throws ScriptException {
        String digits = t.kind() == Kind.HEX ? t.text() : TokenStream.decimal(t.text());
        Long n = Numbers.parseC(digits);
        if (n == null) {
            throw in.error(t, t.text() + " does not fit 64 bits");
        }
        return n;
    }

    private Expr string() {
        StringBuilder all = new StringBuilder();
        while (in.is(Kind.STRING)) {
            all.append(in.next().text());
        }
        boolean open = in.is(Kind.ELLIPSIS);
        if (open) {
            in.next();
        }
        return new Expr.Str(all.toString(), open);
    }

    private Expr word() throws ScriptException {
        Token t = in.next();
        if (t.text().equals("inet_addr") || t.text().equals("inet6_addr")) {
            in.expect('(');
            String address = in.expect(Kind.STRING, "an address in quotes").text();
            in.expect(')');
            return new Expr.Address(t.text().equals("inet6_addr"), address);
        }
        if (in.take('=')) {
            return new Expr.Assign(t.text(), expr());
        }
        return new Expr.Word(t.text());
    }

    /** What follows an opening brace: the first word says which structure it is. */
    private Expr braces() throws ScriptException {
        if (in.is(Kind.ELLIPSIS)) {
            in.next();
            in.expect(',');
            long length = in.integer("a length", 0, U32);
            in.expect('}');
            return new Expr.Iovec(length);
        }
        String first = in.is(Kind.WORD) ? in.peek().text() : "";
        return switch (first) {
            case "msg_name" -> msgHdr();
            case "cmsg_level" -> cmsg();
            case "scm_sec" -> timestamping();
            case "ee_errno" -> extendedErr();
            case "fd" -> pollFd();
            case "events" -> epollEvent();
            case "onoff" -> linger();
            case "sa_family" -> sockAddr();
            default -> new Expr.Braces(list('}'));
        };
    }

    private Expr field(String name) throws ScriptException {
        in.expectWord(name);
        in.expect('=');
        return expr();
    }

    private Expr nextField(String name) throws ScriptException {
        in.expect(',');
        return field(name);
    }

    private long intField(String name, long min, long max) throws ScriptException {
        in.expectWord(name);
        in.expect('=');
        return in.integer("a number", min, max);
    }

    private Expr msgHdr() throws ScriptException {
        in.expectWord("msg_name");
        in.expect('(');
        in.expect(Kind.ELLIPSIS, "'...'");
        in.expect(')');
        in.expect('=');
        in.expect(Kind.ELLIPSIS, "'...'");
        in.expect(',');
        in.expectWord("msg_iov");
        in.expect('(');
        int iovLen = (int) in.integer("a number of buffers", 0, 1 << 20);
        in.expect(')');
        in.expect('=');
        Expr.Array iov = array();
        Expr flags = nextField("msg_flags");
        List<Expr.Cmsg> control = new ArrayList<>();
        if (in.take(',')) {
            in.expectWord("msg_control");
            in.expect('=');
            Token at = in.peek();
            for (Expr e : array().items()) {
                if (!(e instanceof Expr.Cmsg c)) {
                    throw in.error(at, "msg_control is a list of {cmsg_level=, cmsg_type=, cmsg_data=}");
                }
                control.add(c);
            }
        }
        in.expect('}');
        return new Expr.MsgHdr(iovLen, iov, flags, control);
    }

    private Expr.Array array() throws ScriptException {
        in.expect('[');
        return new Expr.Array(list(']'));
    }

    private Expr cmsg() throws ScriptException {
        Expr level = field("cmsg_level");
        Expr type = nextField("cmsg_type");
        Expr data = nextField("cmsg_data");
        in.expect('}');
        return new Expr.Cmsg(level, type, data);
    }

    private Expr timestamping() throws ScriptException {
        long sec = intField("scm_sec", 0, Long.MAX_VALUE);
        in.expect(',');
        long nsec = intField("scm_nsec", 0, Long.MAX_VALUE);
        in.expect('}');
        return new Expr.Timestamping(sec, nsec);
    }

    private Expr extendedErr() throws ScriptException {
        Expr errno = field("ee_errno");
        Expr origin = nextField("ee_origin");
        Expr type = nextField("ee_type");
        Expr code = nextField("ee_code");
        Expr info = nextField("ee_info");
        Expr data = nextField("ee_data");
        in.expect('}');
        return new Expr.ExtendedErr(errno, origin, type, code, info, data);
    }

    private Expr pollFd() throws ScriptException {
        Expr fd = field("fd");
        Expr events = nextField("events");
        Expr revents = in.take(',') ? field("revents") : new Expr.Int(0, false);
        in.expect('}');
        return new Expr.PollFd(fd, events, revents);
    }

    private Expr epollEvent() throws ScriptException {
        Expr events = field("events");
        in.expect(',');
        String member = in.is(Kind.WORD) ? in.peek().text() : "";
        if (!List.of("fd", "ptr", "u32", "u64").contains(member)) {
            throw in.expected("fd, ptr, u32 or u64");
        }
        Expr data = field(member);
        in.expect('}');
        return new Expr.EpollEvent(events, member, data);
    }

    private Expr linger() throws ScriptException {
        int onoff = (int) intField("onoff", Integer.MIN_VALUE, Integer.MAX_VALUE);
        in.expect(',');
        int linger = (int) intField("linger", Integer.MIN_VALUE, Integer.MAX_VALUE);
        in.expect('}');
        return new Expr.Linger(onoff, linger);
    }

    private Expr sockAddr() throws ScriptException {
        in.expectWord("sa_family");
        in.expect('=');
        String family = in.expect(Kind.WORD, "AF_INET or AF_INET6").text();
        in.expect(',');
        in.expectWord("sin_port");
        in.expect('=');
        in.expectWord("htons");
        in.expect('(');
        int port = (int) in.integer("a port", 0, 0xffff);
        in.expect(')');
        in.expect(',');
        in.expectWord("sin_addr");
        in.expect('=');
        in.expectWord("inet_addr");
        in.expect('(');
        String address = in.expect(Kind.STRING, "an address in quotes").text();
        in.expect(')');
        in.expect('}');
        return new Expr.SockAddr(family, port, address);
    }
}
