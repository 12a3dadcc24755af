#!/usr/bin/env bash
# All tests, on a machine that needs to have nothing of ours: see tests/run.py.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
. "$here/settings.sh"
. "$here/packages.sh"

packages_ensure build run test
"$here/fetch_kafka.sh"
# The packages of the test set belong to the system's Python.
exec /usr/bin/python3 "$root/tests/run.py" "$@"
