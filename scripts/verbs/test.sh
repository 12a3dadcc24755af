#!/usr/bin/env bash
# All tests, on a machine that needs to have nothing of ours: see tests/run.py.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
. "$here/settings.sh"
. "$here/packages.sh"

packages_ensure build run test
"$here/fetch_kafka.sh"
exec /usr/bin/env python3 "$root/tests/run.py" "$@"
