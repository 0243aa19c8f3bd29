package net.sched.act;

import net.core.UserError;
import net.core.dev.TcfBlock;
import net.core.tc.TcPrint;

/**
 * Where a packet goes after an action: reads and prints it.
 *
 * <p>Linux: action_a2n(), parse_action_control(), print_action_control(), iproute2
 */
public final class TcControl {
    /** With a count in the lower bits: begin again behind that many actions; never leaves {@link TcfExts#exec}. */
    public static final int TC_ACT_JUMP = 0x10000000;
    /** Do the same action again; never leaves {@link TcfExts#exec}. */
    public static final int TC_ACT_REPEAT = 6;

    /** What follows the opcode of a jump or goto. */
    static final int EXT_VAL_MASK = 0x0FFFFFFF;

    private static final String[] WORDS = {
        "continue", "drop", "shot", "pass", "ok", "reclassify", "pipe", "goto", "jump", "trap"
    };

    private TcControl() {}

    /** Tells whether {@code control} carries {@code opcode}. Linux: TC_ACT_EXT_CMP() */
    static boolean is(int control, int opcode) {
        return (control & ~EXT_VAL_MASK) == opcode;
    }

    /** Tells whether {@code word} is one that {@link #parse} reads. */
    public static boolean isControl(String word) {
        return !whole(word).isEmpty();
    }

    private static String whole(String word) {
        for (String w : WORDS) {
            if (!word.isEmpty() && w.startsWith(word)) {
                return w;
            }
        }
        return "";
    }

    /** Reads {@code pass}, {@code goto chain 3}, ...; @throws UserError if it is none */
    public static int parse(TcActionWords in) {
        String word = in.next();
        return switch (whole(word)) {
            case "continue" -> TcfBlock.TC_ACT_UNSPEC;
            case "drop", "shot" -> TcfBlock.TC_ACT_SHOT;
            case "pass", "ok" -> TcfBlock.TC_ACT_OK;
            case "reclassify" -> TcfBlock.TC_ACT_RECLASSIFY;
            case "pipe" -> TcfBlock.TC_ACT_PIPE;
            case "trap" -> TcfBlock.TC_ACT_TRAP;
            case "goto" -> {
                if (!in.hasNext() || !in.next().equals("chain")) {
                    throw new UserError("\"chain index\" expected");
                }
                yield TcfBlock.TC_ACT_GOTO_CHAIN | (int) in.u32("chain index", EXT_VAL_MASK);
            }
            case "jump" -> TC_ACT_JUMP | (int) in.u32("jump count", EXT_VAL_MASK);
            default -> throw new UserError("Bad action type " + word);
        };
    }

    /** Reads one if the next word is one, else gives {@code otherwise}. Linux: parse_action_control_dflt() */
    public static int parseOr(TcActionWords in, int otherwise) {
        return isControl(in.peek()) ? parse(in) : otherwise;
    }

    /** The word of a control without its number. Linux: action_n2a() */
    public static String name(int control) {
        if (control >= 0 && is(control, TcfBlock.TC_ACT_GOTO_CHAIN)) {
            return "goto";
        }
        if (is(control, TC_ACT_JUMP)) {
            return "jump";
        }
        return switch (control) {
            case TcfBlock.TC_ACT_UNSPEC -> "continue";
            case TcfBlock.TC_ACT_OK -> "pass";
            case TcfBlock.TC_ACT_SHOT -> "drop";
            case TcfBlock.TC_ACT_RECLASSIFY -> "reclassify";
            case TcfBlock.TC_ACT_PIPE -> "pipe";
            case TcfBlock.TC_ACT_STOLEN -> "stolen";
            case TcfBlock.TC_ACT_TRAP -> "trap";
            default -> Integer.toString(control);
        };
    }

    /** As tc shows it. */
    public static void print(TcPrint p, String before, int control, String after) {
        p.text(before).open("control_action").str("type", "", name(control), "");
        if (is(control, TcfBlock.TC_ACT_GOTO_CHAIN)) {
            p.num("chain", " chain ", control & EXT_VAL_MASK, "");
        } else if (is(control, TC_ACT_JUMP)) {
            p.num("jump", " ", control & EXT_VAL_MASK, "");
        }
        p.close().text(after);
    }
}
