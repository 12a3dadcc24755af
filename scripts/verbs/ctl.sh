#!/usr/bin/env bash
# sijangctl with this market's addresses and secrets.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
. "$here/settings.sh"
. "$here/services.sh"

settings_load
[ -r "$var/secret" ] && [ -x "$(program sijangctl)" ] || fail "run ./sijang up first"
ctl "$@"
