/**
 * What tests of the stack and of modules for it stand on: clocks, scripted devices, faults, the segment language and
 * contract tests.
 */
@NullMarked
package net.testkit;

import org.jspecify.annotations.NullMarked;
