# Sourced, with $root set: names of modules as people type them.
softnet_module_dir() { # NAME: its folder, relative to the root; one line and status 2 when there is none
    local name=${1%/}
    name=${name##*/}
    [ "$name" = softnet.tools ] && name=tools
    [ "$name" = softnet.bench ] && name=bench
    if [ -n "$name" ] && [ -f "$root/modules/$name/pom.xml" ]; then
        echo "modules/$name"
    elif [ "$name" = tools ] || [ "$name" = bench ]; then
        echo "$name"
    else
        echo "softnet: no module '$1': the modules are $(cd "$root/modules" && echo *) tools bench" >&2
        return 2
    fi
}
