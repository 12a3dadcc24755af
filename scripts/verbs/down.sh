#!/usr/bin/env bash
# Stops what up has started, the last one first; data stays.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
. "$here/settings.sh"
. "$here/processes.sh"
. "$here/services.sh"

settings_load "$@"
settings_lock
for name in $(all_processes | tac); do
	if process_alive "$name"; then
		process_stop "$name"
		say "$name: stopped"
	fi
	rm -f "$var/run/$name.pid"
done
