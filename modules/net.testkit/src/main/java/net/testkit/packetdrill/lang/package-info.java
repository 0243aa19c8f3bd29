/**
 * The packetdrill script language: its syntax tree, the parser that makes it, the small grammar of code blocks, the
 * constants scripts name, and the shell commands they use, as data. Nothing here touches a stack.
 *
 * <p>Entry points: {@link net.testkit.packetdrill.lang.ScriptParser} makes a {@link net.testkit.packetdrill.lang.Script}
 * from text or says in one line why it cannot.
 */
@NullMarked
package net.testkit.packetdrill.lang;

import org.jspecify.annotations.NullMarked;
