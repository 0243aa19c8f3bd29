package net.sched.cls.ematch;

import java.util.List;
import net.core.Cpu;
import net.core.tc.TcPrint;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import org.jspecify.annotations.Nullable;

/**
 * Questions in a row. The row is asked from the left and ends at the first false before an {@code and} or true before an
 * {@code or}: neither binds closer than the other, so {@code a or b and c} is {@code a or (b and c)} and {@code a and b or
 * c} is {@code a and (b or c)}.
 *
 * <p>Linux: tcf_em_tree_match(), tcf_em_early_end()
 */
final class EmatchTree {
    /** What stands between one and the next. */
    enum Relation {
        /** Nothing: it is the last. */
        END,
        AND,
        OR
    }

    /** One in the row: a match or a row in parentheses. */
    record Node(
            boolean inverted,
            @Nullable Ematch match,
            @Nullable EmatchTree row,
            Relation relation) {
        @HotPath
        boolean ask(Cpu cpu, SkBuff skb) {
            boolean r = match != null ? match.match(cpu, skb) : row != null && row.match(cpu, skb);
            return r != inverted;
        }
    }

    private final Node[] nodes;

    EmatchTree(List<Node> nodes) {
        this.nodes = nodes.toArray(Node[]::new);
    }

    @HotPath
    boolean match(Cpu cpu, SkBuff skb) {
        boolean r = true;
        for (Node n : nodes) {
            r = n.ask(cpu, skb);
            if (n.relation == Relation.END || r == (n.relation == Relation.OR)) {
                return r;
            }
        }
        return r;
    }

    /** As tc prints it, on lines of its own; in JSON as one string. {@code Deviation:} tc's JSON breaks off here. */
    void print(TcPrint p) {
        StringBuilder b = new StringBuilder("\n  ");
        append(b, 1);
        p.word("ematch", b.toString().strip().replaceAll("\\s*\n\\s*", " "), b.toString());
    }

    private void append(StringBuilder b, int prefix) {
        for (Node n : nodes) {
            if (n.inverted) {
                b.append("NOT ");
            }
            if (n.row != null) {
                b.append("(\n").append("  ".repeat(prefix + 1));
                n.row.append(b, prefix + 1);
                b.append("  ".repeat(prefix)).append(") ");
            } else if (n.match != null) {
                b.append(n.match.kind()).append('(').append(n.match.args()).append(")\n");
                if (n.relation != Relation.END) {
                    b.append("  ".repeat(prefix));
                }
            }
            if (n.relation != Relation.END) {
                b.append(n.relation).append(' ');
            }
        }
    }
}
