#!/usr/bin/env bash
# A signed bearer token for this market, on stdout.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
. "$here/settings.sh"
. "$here/services.sh"

settings_load
[ -r "$var/secret" ] && [ -x "$(program sijangctl)" ] || fail "run ./sijang up first"
ctl token "$@"
