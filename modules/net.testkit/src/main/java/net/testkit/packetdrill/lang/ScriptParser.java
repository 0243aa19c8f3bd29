package net.testkit.packetdrill.lang;

import java.io.IOException;
import java.nio.charset.MalformedInputException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import net.testkit.packetdrill.lang.Event.Time;
import net.testkit.packetdrill.lang.Token.Kind;
import org.jspecify.annotations.Nullable;

/**
 * Reads a script: options, an optional command, events, an optional command. By recursive descent; the first thing wrong
 * ends it.
 */
public final class ScriptParser {
    private final String path;
    private final TokenStream in;
    private final PacketParser packets;
    private final ExprParser exprs;

    private ScriptParser(String path, TokenStream in) {
        this.path = path;
        this.in = in;
        this.packets = new PacketParser(in);
        this.exprs = new ExprParser(in);
    }

    /**
     * Parses a whole script.
     *
     * @param path for messages
     * @param commandLine options that override the script's, among them the definitions ({@link Option#define})
     * @throws ScriptException with one line that says where and what
     */
    public static Script parse(String path, String text, List<Option> commandLine) throws ScriptException {
        List<Option> own = ownOptions(path, text);
        Settings settings = SettingsReader.read(path, own, commandLine);
        TokenStream in = new TokenStream(path, Lexer.tokens(path, text, settings.defines()));
        while (in.is(Kind.OPTION)) {
            in.next();
        }
        return new ScriptParser(path, in).script(text, settings);
    }

    /** Reads and parses a file; one that cannot be read is a {@link ScriptException} as well. */
    public static Script parse(Path file, List<Option> commandLine) throws ScriptException {
        String text;
        try {
            text = Files.readString(file, StandardCharsets.UTF_8);
        } catch (NoSuchFileException e) {
            throw new ScriptException(file.toString(), 0, 0, "no such file");
        } catch (MalformedInputException e) {
            throw new ScriptException(file.toString(), 0, 0, "not UTF-8 text");
        } catch (IOException e) {
            throw new ScriptException(file.toString(), 0, 0, "cannot be read: " + e.getMessage());
        }
        return parse(file.toString(), text, commandLine);
    }

    private static List<Option> ownOptions(String path, String text) throws ScriptException {
        List<Option> own = new ArrayList<>();
        for (Token t : Lexer.tokens(path, text, Map.of())) {
            if (t.kind() != Kind.OPTION) {
                break;
            }
            int eq = t.text().indexOf('=');
            own.add(
                    eq < 0
                            ? new Option(t.text(), "", t.line())
                            : new Option(
                                    t.text().substring(0, eq), unquoted(t.text().substring(eq + 1)), t.line()));
        }
        return own;
    }

    /** {@code "value"} without its quotes; those of {@code SYM="value"} stay, they say it is a string. */
    private static String unquoted(String value) {
        return value.length() >= 2 && value.startsWith("\"") && value.endsWith("\"")
                ? value.substring(1, value.length() - 1)
                : value;
    }

    private Script script(String text, Settings settings) throws ScriptException {
        Command init = in.is(Kind.BACK_QUOTED) ? command() : null;
        List<Event> events = new ArrayList<>();
        while (!in.is(Kind.EOF) && !in.is(Kind.BACK_QUOTED)) {
            events.add(event());
        }
        if (events.isEmpty()) {
            throw in.expected("an event");
        }
        Command cleanup = in.is(Kind.BACK_QUOTED) ? command() : null;
        if (!in.is(Kind.EOF)) {
            throw in.error(
                    in.peek(), "nothing may follow the cleanup command; an event's command has a time before it");
        }
        return new Script(path, text.lines().toList(), settings, init, events, cleanup);
    }

    private Command command() {
        Token t = in.next();
        return new Command(t.line(), t.text());
    }

    private Event event() throws ScriptException {
        Token start = in.peek();
        Time time = time();
        Event.Action action = action();
        boolean outbound = action instanceof Packet p && !p.inbound();
        if (!outbound && time.kind() == Event.Kind.ANY) {
            throw in.error(start, "'*' is a time of outbound packets only");
        }
        if (!outbound && time.isRange()) {
            throw in.error(start, "a time range is for outbound packets only");
        }
        if (time.endUsecs() < time.usecs()) {
            throw in.error(start, "the time range is backwards");
        }
        return new Event(start.line(), time, action);
    }

    private Time time() throws ScriptException {
        if (in.take('*')) {
            return new Time(Event.Kind.ANY, 0, 0);
        }
        boolean relative = in.take('+');
        long from = usecs();
        if (!in.take('~')) {
            return new Time(relative ? Event.Kind.RELATIVE : Event.Kind.ABSOLUTE, from, from);
        }
        if (relative) {
            in.expect('+');
        }
        return new Time(relative ? Event.Kind.RELATIVE_RANGE : Event.Kind.RANGE, from, usecs());
    }

    private long usecs() throws ScriptException {
        Token t = in.peek();
        if (t.kind() != Kind.FLOAT && t.kind() != Kind.INT) {
            throw in.expected("a time in seconds");
        }
        if (t.text().startsWith("-")) {
            throw in.error(t, "a time is not negative: " + t.text());
        }
        if (t.text().length() > 16) {
            throw in.error(t, "a time is less than ten digits: " + t.text());
        }
        in.next();
        return Numbers.usecs(t.text());
    }

    private Event.Action action() throws ScriptException {
        Token t = in.peek();
        return switch (t.kind()) {
            case BACK_QUOTED -> command();
            case CODE -> {
                in.next();
                yield code(t);
            }
            case WORD, ELLIPSIS -> syscall();
            default -> {
                if (!t.isChar('<') && !t.isChar('>')) {
                    throw in.expected("a packet, a call, a `command` or a %{ code block }%");
                }
                yield packets.packet();
            }
        };
    }

    /** Reads the block once, so that one that makes no sense is found before the script runs. */
    private Code code(Token t) throws ScriptException {
        int blank = t.text().length() - t.text().stripLeading().length();
        int skipped = (int)
                t.text().substring(0, blank).chars().filter(c -> c == '\n').count();
        Code code = new Code(t.line() + skipped, t.text().strip());
        try {
            CodeBlock.parse(code);
        } catch (CodeException e) {
            throw new ScriptException(path, e.line(), 0, e.getMessage());
        }
        return code;
    }

    private Syscall syscall() throws ScriptException {
        long end = -1;
        if (in.is(Kind.ELLIPSIS)) {
            in.next();
            end = usecs();
        }
        Token name = in.expect(Kind.WORD, "a system call");
        in.expect('(');
        List<Expr> args = exprs.list(')');
        in.expect('=');
        Expr result = exprs.expr();
        String errno = in.is(Kind.WORD) ? in.next().text() : null;
        String note = in.isChar('(') ? note() : null;
        return new Syscall(name.line(), name.text(), args, end, result, errno, note);
    }

    private @Nullable String note() throws ScriptException {
        in.expect('(');
        StringBuilder words = new StringBuilder();
        while (!in.isChar(')')) {
            if (in.is(Kind.EOF)) {
                throw in.expected("')'");
            }
            words.append(words.isEmpty() ? "" : " ").append(in.next().text());
        }
        in.expect(')');
        return words.toString();
    }
}
