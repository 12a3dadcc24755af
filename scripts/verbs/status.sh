#!/usr/bin/env bash
# One line a process. Exit 0 when all are ready.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
. "$here/settings.sh"
. "$here/processes.sh"
. "$here/kafka.sh"
. "$here/postgres.sh"
. "$here/services.sh"

settings_load "$@"
row='%-13s %8s %6s %-9s %s\n'
all_ready=0
printf "$row" process pid port state memory
for name in $(all_processes); do
	pid=- state=stopped memory=-
	if process_alive "$name"; then
		pid=$(process_pid "$name")
		memory=$(($(process_memory_kib "$name") / 1024))" MB"
		state=ready
		ready "$name" || state="not ready"
	fi
	[ "$state" = ready ] || all_ready=1
	printf "$row" "$name" "$pid" "$(port_of "$name")" "$state" "$memory"
done
exit $all_ready
