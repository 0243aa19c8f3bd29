package net.testkit.packetdrill.lang;

import java.util.ArrayList;
import java.util.List;
import net.testkit.packetdrill.lang.TcpOption.Block;
import net.testkit.packetdrill.lang.Token.Kind;
import org.jspecify.annotations.Nullable;

/** TCP options between {@code <} and {@code >}. */
final class TcpOptionParser {
    private static final long U32 = 0xffff_ffffL;
    private static final int MAX_BYTES = 40;
    private static final int MD5_DIGITS = 32;

    private final TokenStream in;

    TcpOptionParser(TokenStream in) {
        this.in = in;
    }

    /** The options, or null for {@code <...>}. */
    @Nullable
    List<TcpOption> options() throws ScriptException {
        Token start = in.peek();
        in.expect('<');
        if (in.is(Kind.ELLIPSIS)) {
            in.next();
            in.expect('>');
            return null;
        }
        List<TcpOption> options = new ArrayList<>();
        do {
            options.add(option());
        } while (in.take(','));
        if (!in.take('>')) {
            throw in.expected("',' or '>'");
        }
        int bytes = options.stream().mapToInt(TcpOption::length).sum();
        if (bytes % 4 != 0) {
            throw in.error(start, "these TCP options are " + bytes + " bytes, no multiple of 4: write nops");
        }
        if (bytes > MAX_BYTES) {
            throw in.error(start, "these TCP options are " + bytes + " bytes, more than " + MAX_BYTES);
        }
        return options;
    }

    private TcpOption option() throws ScriptException {
        Token t = in.expect(Kind.WORD, "a TCP option");
        return switch (t.text()) {
            case "nop" -> new TcpOption.Nop();
            case "eol" -> new TcpOption.Eol();
            case "mss" -> new TcpOption.Mss((int) in.integer("an MSS", 0, 0xffff));
            case "wscale" -> new TcpOption.WScale((int) in.integer("a window scale", 0, 255));
            case "sackOK" -> new TcpOption.SackOk();
            case "sack" -> sack();
            case "md5" -> md5(t);
            case "TS" -> timestamp();
            case "FO" -> new TcpOption.FastOpen(false, hex(false));
            case "FOEXP" -> new TcpOption.FastOpen(true, hex(false));
            case "ECN" -> accEcn();
            default ->
                throw in.error(
                        t,
                        "unknown TCP option '" + t.text()
                                + "' (mss, wscale, sackOK, sack, TS, nop, eol, md5, FO, FOEXP, ECN)");
        };
    }

    private TcpOption md5(Token t) throws ScriptException {
        if (in.is(Kind.STRING)) {
            return new TcpOption.Md5Secret(in.next().text());
        }
        String digest = hex(true);
        if (digest.length() != MD5_DIGITS) {
            throw in.error(t, "an MD5 digest is " + MD5_DIGITS + " digits long");
        }
        return new TcpOption.Md5(digest);
    }

    private TcpOption sack() throws ScriptException {
        List<Block> blocks = new ArrayList<>();
        do {
            int left = (int) in.integer("a left edge", 0, U32);
            in.expect(':');
            blocks.add(new Block(left, (int) in.integer("a right edge", 0, U32)));
        } while (in.is(Kind.INT));
        return new TcpOption.Sack(blocks);
    }

    private TcpOption timestamp() throws ScriptException {
        in.expectWord("val");
        int val = (int) in.integer("a TS val", 0, U32);
        in.expectWord("ecr");
        return new TcpOption.Timestamp(val, (int) in.integer("a TS ecr", 0, U32));
    }

    private String hex(boolean needed) throws ScriptException {
        Token t = in.peek();
        if (t.kind() != Kind.WORD && t.kind() != Kind.INT) {
            if (needed) {
                throw in.expected("hexadecimal digits");
            }
            return "";
        }
        in.next();
        if (!t.text().matches("(?:[0-9a-fA-F]{2}){1,18}")) {
            throw in.error(t, t.shown() + " is not 1 to 18 bytes in hexadecimal digits");
        }
        return t.text();
    }

    private TcpOption accEcn() throws ScriptException {
        boolean e1First = in.peek().isWord("e1b");
        List<Integer> counters = new ArrayList<>();
        for (String name : e1First ? List.of("e1b", "ceb", "e0b") : List.of("e0b", "ceb", "e1b")) {
            if (counters.isEmpty() && !in.peek().isWord(name)) {
                throw in.expected("e0b or e1b");
            }
            if (!in.takeWord(name)) {
                break;
            }
            counters.add((int) in.integer("a byte counter", 0, 0xff_ffff));
        }
        return new TcpOption.AccEcn(e1First, counters);
    }
}
