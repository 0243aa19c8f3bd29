# Sourced: sets netns_args to the arguments of unshare(1) that give a network and a mount namespace with root's powers in it.
softnet_netns_args() {
    netns_args=(-n -m)
    [ "$(id -u)" -eq 0 ] || netns_args=(-U -r -n -m)
    command -v ip >/dev/null && unshare "${netns_args[@]}" true 2>/dev/null
}
