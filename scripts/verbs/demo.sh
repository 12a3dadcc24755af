#!/usr/bin/env bash
# Loads the demo data through the HTTP API, as anybody could. Running it again changes nothing.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
. "$here/settings.sh"

settings_load "$@"
[ -r "$var/secret" ] || fail "run ./sijang up first"
/usr/bin/python3 "$here/demo.py" "http://127.0.0.1:$SIJANG_GATEWAY_PORT" "$root/sijang"
touch "$var/demo"
