# Sourced after find-jdk.sh, with $root set: builds the runtime image and its AOT cache.
#
# tools/target/image/current names the image in use (line 1) and the JDK it was made with (line 2). Each image has a
# folder of its own, so that a running command keeps its jars while the next one is built; the oldest are removed.

# The collector, unless SOFTNET_JAVA_OPTS names one. Parallel links old pooled objects three times as cheaply as G1
# (docs/adr/0001-build.md). A cache made with it serves Serial and G1 as well; others run without.
softnet_collector() { # sets collector
    collector=(-XX:+UseParallelGC)
    [[ ${SOFTNET_JAVA_OPTS:-} =~ -XX:\+Use[A-Za-z0-9]+GC ]] && collector=()
    return 0
}

# Heap and processors by name, so that a run does not depend on what the JVM makes of the machine (docs/adr/0023-collector.md). The heap
# holds connections, 2 KiB for an end: -Xmx only reserves addresses. SOFTNET_JAVA_OPTS comes later and wins.
softnet_machine() { # sets machine
    machine=(-Xms64m -Xmx4g -XX:ActiveProcessorCount="$(nproc)")
}

# Flags that the AOT cache depends on: training and every run must agree on them.
softnet_java_flags() { # IMAGE: sets java_flags
    java_flags=(
        -Xlog:aot=off
        -Xlog:cds=off
        --add-opens=java.base/jdk.internal.misc=org.agrona
        --enable-native-access=net.skbuff,net.core,net.testkit,drivers.tapnic,softnet.tools
        -p "$1/lib"
        -m softnet.tools/softnet.tools.Softnet
    )
}

softnet_image_is_current() { # sets image
    local lines
    [ -r "$images/current" ] || return 1
    mapfile -t lines <"$images/current"
    image=$images/${lines[0]:-}
    [ -d "$image/lib" ] && [ "${lines[1]:-}" = "$JAVA_HOME" ] || return 1
    [ -z "$(find "$root/pom.xml" "$root/tools/pom.xml" "$root/tools/src/main" "$root/tools/lib" "$root"/modules/*/pom.xml \
        "$root"/modules/*/src/main -newer "$images/current" -print -quit)" ]
}

softnet_image() { # sets image, building one when the sources are newer
    images=$root/tools/target/image
    softnet_image_is_current && return 0
    mkdir -p "$images"
    exec 9>"$images/lock"
    flock 9
    if ! softnet_image_is_current; then
        softnet_build_image || return 1
    fi
    exec 9>&-
}

softnet_build_image() {
    local log=$images/build.log name old
    . "$root/tools/lib/deps.sh"
    echo "softnet: building (first use or changed sources)" >&2
    name=$(date +%Y%m%d-%H%M%S)-$$
    touch "$images/next"
    softnet_deps || return 1
    if ! "$JAVA_HOME/bin/java" -XX:+UseSerialGC -XX:TieredStopAtLevel=1 "$root/tools/lib/Image.java" \
        "$root" "$deps" "$images/$name" >"$log" 2>&1 9>&-; then
        rm -rf "${images:?}/$name"
        cat "$log" >&2
        echo "softnet: the build failed" >&2
        return 1
    fi
    rm -rf "$images/$name/classes"
    image=$images/$name
    softnet_train >"$log" 2>&1 9>&- || true
    printf '%s\n' "$name" "$JAVA_HOME" >"$images/next.text"
    touch -r "$images/next" "$images/next.text"
    mv "$images/next.text" "$images/current"
    for old in $(cd "$images" && ls -dt -- */ | tail -n +4); do
        rm -rf "${images:?}/$old"
    done
}

# A cache that cannot be made is no error: commands then only start more slowly.
softnet_train() {
    local java_flags machine
    softnet_java_flags "$image"
    softnet_machine
    (cd / && "$JAVA_HOME/bin/java" -XX:+UseParallelGC "${machine[@]}" -Dsoftnet.training=true -XX:AOTCacheOutput="$image/softnet.aot" \
        "${java_flags[@]}" </dev/null)
}
