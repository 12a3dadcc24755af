#!/usr/bin/env bash
# Fetches the broker's jars through Maven into var/kafka/libs, once per version of the pom.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
pom=$root/compose/kafka/pom.xml
libs=$root/var/kafka/libs
marker=$libs/.fetched

wanted=$(cksum <"$pom")
if [ -r "$marker" ] && [ "$(<"$marker")" = "$wanted" ]; then
	exit 0
fi

echo "fetching Kafka's jars (54 MB) through Maven" >&2
fresh=$libs.fresh.$$
trap 'rm -rf "$fresh"' EXIT
if ! output=$(mvn -q -B -f "$pom" dependency:copy-dependencies \
	-DoutputDirectory="$fresh" 2>&1 </dev/null); then
	printf '%s\n' "$output" "sijang: Kafka's jars could not be fetched" >&2
	exit 1
fi
printf '%s\n' "$wanted" >"$fresh/.fetched"
rm -rf "$libs"
mv "$fresh" "$libs"
