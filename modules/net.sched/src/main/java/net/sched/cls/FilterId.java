package net.sched.cls;

import org.jspecify.annotations.Nullable;

/**
 * What a tc line says about which filter it means.
 *
 * @param chain chain it is in
 * @param prio preference, 0 if not given
 * @param protocol ethertype, {@link TcfFilters#ETH_P_ALL}, 0 if not given
 * @param kind name of the classifier, null if not given
 * @param handle the word after {@code handle}, null if not given
 */
public record FilterId(
        int chain,
        int prio,
        int protocol,
        @Nullable String kind,
        @Nullable String handle) {}
