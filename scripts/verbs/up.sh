#!/usr/bin/env bash
# Everything from nothing to an open market; what runs already stays as it is.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
. "$here/settings.sh"
. "$here/packages.sh"
. "$here/build.sh"
. "$here/processes.sh"

settings_load "$@"
settings_lock
packages_ensure build run
. "$here/kafka.sh"
. "$here/postgres.sh"
. "$here/services.sh"

"$here/fetch_kafka.sh"
build_ensure release command-svc projector query-svc relay sijangctl
secrets_ensure
settings_remember

kafka_start
postgres_start
process_wait kafka 60 kafka_ready
process_wait postgres 60 postgres_ready

if [ ${#started[@]} -gt 0 ] || [ ! -e "$var/migrated" ] ||
	[ "$(program sijangctl)" -nt "$var/migrated" ]; then
	postgres_create_database
	ctl topics create >>"$var/log/sijangctl.log" 2>&1 ||
		process_complain sijangctl "could not create the topics"
	ctl migrate >>"$var/log/sijangctl.log" 2>&1 ||
		process_complain sijangctl "could not migrate"
	touch "$var/migrated"
fi

for name in $(surplus_processes); do
	process_stop "$name"
	say "$name: stopped"
done
for name in $(command_processes) projector query-svc; do
	service_start "$name"
done
for name in $(command_processes) projector query-svc; do
	process_wait "$name" 60 ready "$name"
done
gateway_start
process_wait gateway 60 ready gateway

if [ ! -e "$var/demo" ]; then
	"$here/verbs/demo.sh"
fi

url=http://127.0.0.1:$SIJANG_GATEWAY_PORT
cat <<END

The market is open: $url

  curl -s '$url/v1/products'
  TOKEN=\$(./sijang token my-shop --role seller)
  curl -si '$url/v1/products' -H "Authorization: Bearer \$TOKEN" \\
       -H 'Content-Type: application/json' -H 'Idempotency-Key: my-first' \\
       -d '{"title": "Barley tea", "price": 2500, "stock": 12}'

./sijang status shows what runs, ./sijang down stops it, ./sijang help says the rest.
END
