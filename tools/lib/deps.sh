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

softnet_property() { # NAME: that property of the parent pom
    sed -n "s|^ *<$1>\\(.*\\)</$1>|\\1|p" "$root/pom.xml"
}

# Puts the paths of Error Prone and NullAway, as the parent pom versions them, into $checkers.
softnet_checkers() {
    local dir=$root/target/dev/checkers cache
    cache=$dir/path
    if [ ! -s "$cache" ] || [ "$root/pom.xml" -nt "$cache" ] || ! softnet_all_exist "$cache"; then
        mkdir -p "$dir"
        cat >"$dir/pom.xml" <<POM
<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>net.softnet</groupId>
  <artifactId>checkers</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>com.google.errorprone</groupId>
      <artifactId>error_prone_core</artifactId>
      <version>$(softnet_property errorprone.version)</version>
    </dependency>
    <dependency>
      <groupId>com.uber.nullaway</groupId>
      <artifactId>nullaway</artifactId>
      <version>$(softnet_property nullaway.version)</version>
    </dependency>
  </dependencies>
</project>
POM
        if ! SOFTNET_POM=$dir/pom.xml "$root/tools/mvn" -q -B dependency:build-classpath -Dmdep.outputFile="$cache" \
            >"$dir/log" 2>&1 </dev/null; then
            echo "softnet: Maven could not fetch Error Prone: see $dir/log" >&2
            return 1
        fi
    fi
    checkers=$(<"$cache")
}
