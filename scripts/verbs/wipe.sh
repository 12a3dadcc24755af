#!/usr/bin/env bash
# Stops everything and deletes all data: log, database, index, secrets, remembered ports.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
. "$here/settings.sh"
. "$here/processes.sh"
. "$here/postgres.sh"

case ${1:-} in
--yes) ;;
"")
	read -rp "Delete all data under $var? Type yes: " answer || true
	[ "${answer:-}" = yes ] || fail "nothing was deleted"
	;;
*) fail "unknown option $1; see ./sijang help" ;;
esac
"$here/verbs/down.sh"
settings_lock
postgres_wipe
# The jars stay: they are no data, and cost a download.
rm -rf "$var/kafka/data" "$var/kafka/server.properties" "$var/log" "$var/run"
rm -rf "$var/index" "$var"/index-[0-9]
rm -f "$var/secret" "$var/settings" "$var/demo" "$var/migrated"
say "all data is gone"
