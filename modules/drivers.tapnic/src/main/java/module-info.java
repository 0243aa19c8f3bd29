/**
 * A network card with descriptor rings whose wire is a Linux TAP device.
 *
 * <p>Kernel directories: {@code drivers/net}, with the card's own half beside it.
 *
 * <p>Threading: the driver half and the device half meet only in shared memory, a doorbell and an interrupt; each ring
 * index has one writer.
 */
module drivers.tapnic {
    requires transitive net.core;

    exports drivers.tapnic;
}
