/**
 * The judge: packetdrill scripts run in virtual time against a fresh kernel through the ordinary socket layer. The
 * language is in {@link net.testkit.packetdrill.lang}.
 */
@NullMarked
package net.testkit.packetdrill;

import org.jspecify.annotations.NullMarked;
