# Sourced after find-jdk.sh, with $root set: puts the third-party runtime jars' paths, joined by colons, into $deps.
# Maven is asked only when a pom has changed since the last answer.
softnet_deps() {
    local cache=$root/target/dev/deps.path stamp log path jar
    if [ ! -s "$cache" ] || [ -n "$(find "$root/pom.xml" "$root/tools/pom.xml" "$root"/modules/*/pom.xml -newer "$cache" -print -quit)" ] \
        || ! softnet_all_exist "$cache"; then
        mkdir -p "$root/target/dev"
        log=$root/target/dev/deps.log
        if ! "$root/tools/mvn" -q -B -Dmaven.main.skip=true -Dmaven.resources.skip=true compile dependency:build-classpath \
            -DincludeScope=runtime -DexcludeGroupIds=net.softnet -Dmdep.outputFile="$cache.new" -pl tools -am >"$log" 2>&1 </dev/null; then
            echo "softnet: Maven could not fetch the dependencies: see $log" >&2
            return 1
        fi
        mv "$cache.new" "$cache"
    fi
    deps=$(<"$cache")
}

softnet_all_exist() {
    local IFS=: jar
    for jar in $(<"$1"); do
        [ -r "$jar" ] || return 1
    done
}
