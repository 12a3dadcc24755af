#!/usr/bin/env bash
# A signed bearer token for this market, on stdout.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
exec "$here/verbs/ctl.sh" token "$@"
