#!/usr/bin/env bash
# The benchmark: measured figures beside references of the same run.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
. "$here/settings.sh"
. "$here/packages.sh"
. "$here/build.sh"

[ -e "$root/tests/bench/run.py" ] || fail "there is no benchmark in this tree"
packages_ensure build run test
"$here/fetch_kafka.sh"
build_ensure release
exec /usr/bin/python3 "$root/tests/bench/run.py" "$@"
