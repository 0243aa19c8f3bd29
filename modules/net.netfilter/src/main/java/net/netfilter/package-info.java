/**
 * Connection tracking, address translation and filter tables.
 */
@NullMarked
package net.netfilter;

import org.jspecify.annotations.NullMarked;
