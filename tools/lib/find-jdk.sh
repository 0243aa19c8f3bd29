# Sourced by the scripts: finds a JDK of version 25 or later and exports JAVA_HOME, or says so in one line and exits 2.
softnet_is_jdk() { # DIR: has a compiler, and its release file says 25 or later
    [ -n "$1" ] && [ -x "$1/bin/javac" ] && [ -r "$1/release" ] || return 1
    local version
    version=$(sed -n 's/^JAVA_VERSION="\([0-9]*\).*/\1/p' "$1/release")
    [ -n "$version" ] && [ "$version" -ge 25 ]
}

softnet_find_jdk() {
    local dir java
    if softnet_is_jdk "${JAVA_HOME:-}"; then
        return 0
    fi
    if java=$(command -v javac) && java=$(readlink -f "$java"); then
        dir=${java%/bin/javac}
        if softnet_is_jdk "$dir"; then
            JAVA_HOME=$dir
            return 0
        fi
    fi
    for dir in /usr/lib/jvm/* "${HOME:-}"/.sdkman/candidates/java/* "${HOME:-}"/.jdks/* /opt/*; do
        if softnet_is_jdk "$dir"; then
            JAVA_HOME=$dir
            return 0
        fi
    done
    return 1
}

if ! softnet_find_jdk; then
    echo "softnet: no JDK 25 or later found in JAVA_HOME, PATH, /usr/lib/jvm, ~/.sdkman, ~/.jdks or /opt: install one or set JAVA_HOME" >&2
    exit 2
fi
export JAVA_HOME
