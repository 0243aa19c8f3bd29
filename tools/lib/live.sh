# Sourced with $root set: runs a program of the testkit on the runtime image, against the machine's Linux.
softnet_live() { # CLASS ARGUMENT...
    local class=$1
    shift
    . "$root/tools/lib/find-jdk.sh"
    . "$root/tools/lib/image.sh"
    softnet_image || exit 1
    softnet_collector
    softnet_machine
    # shellcheck disable=SC2086  # options are words
    exec "$JAVA_HOME/bin/java" "${collector[@]}" "${machine[@]}" -Djava.net.preferIPv4Stack=true ${SOFTNET_JAVA_OPTS:-} \
        --add-opens=java.base/jdk.internal.misc=org.agrona \
        --enable-native-access=net.skbuff,net.core,net.testkit,drivers.tapnic \
        -p "$image/lib" -m "net.testkit/$class" "$@"
}
