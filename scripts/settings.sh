# Where things are and on which ports. An option wins over the environment, that over what `up` was
# told last time (var/settings), that over the default. Sourced by the others.

export PATH=$PATH:/usr/sbin:/sbin # haproxy lives there, ordinary users do not look there

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
var=${SIJANG_VAR:-$root/var} # a second market from the same clone: another folder
build=$root/build/release

# Option without its dashes, variable, default.
number_table="
port-gateway SIJANG_GATEWAY_PORT 8080
port-command SIJANG_COMMAND_PORT 8081
port-command-2 SIJANG_COMMAND_PORT_2 8085
port-command-3 SIJANG_COMMAND_PORT_3 8086
port-command-4 SIJANG_COMMAND_PORT_4 8087
port-query SIJANG_QUERY_PORT 8082
port-projector SIJANG_PROJECTOR_PORT 8083
port-kafka SIJANG_KAFKA_PORT 9092
port-kafka-controller SIJANG_KAFKA_CONTROLLER_PORT 9093
port-postgres SIJANG_POSTGRES_PORT 5433
command-processes SIJANG_COMMAND_PROCESSES 1
"

processes_max=4 # as many as the gateway's configuration knows

say() {
	printf '%s\n' "$*"
}

fail() {
	printf 'sijang: %s\n' "$*" >&2
	exit 1
}

# settings_load [--OPTION N]...: sets all variables; unknown words are an error.
settings_load() {
	local option variable initial
	while [ $# -gt 0 ]; do
		option=${1#--}
		variable=$(awk -v option="${option%%=*}" '$1 == option { print $2 }' <<<"$number_table")
		[ -n "$variable" ] && [ "$1" != "$option" ] || fail "unknown option $1; see ./sijang help"
		if [ "${1#*=}" != "$1" ]; then
			set -- "--${option%%=*}" "${1#*=}" "${@:2}"
		fi
		[[ ${2:-} =~ ^[0-9]{1,5}$ ]] || fail "$1 wants a number"
		printf -v "$variable" %s "$2"
		shift 2
	done
	while read -r option variable initial; do
		[ -n "$option" ] || continue
		[ -n "${!variable:-}" ] || printf -v "$variable" %s "$(remembered "$variable" "$initial")"
	done <<<"$number_table"
	[ "$SIJANG_COMMAND_PROCESSES" -ge 1 ] && [ "$SIJANG_COMMAND_PROCESSES" -le $processes_max ] ||
		fail "--command-processes wants a number from 1 to $processes_max"
	settings_derive
}

remembered() {
	local value=
	if [ -r "$var/settings" ]; then
		value=$(sed -n "s/^$1=//p" "$var/settings")
	fi
	printf %s "${value:-$2}"
}

settings_remember() {
	local option variable initial
	while read -r option variable initial; do
		[ -z "$option" ] || printf '%s=%s\n' "$variable" "${!variable}"
	done <<<"$number_table" >"$var/settings"
}

settings_derive() {
	SIJANG_ADDRESS=127.0.0.1
	SIJANG_KAFKA_BROKERS=127.0.0.1:$SIJANG_KAFKA_PORT
	SIJANG_PARTITIONS=${SIJANG_PARTITIONS:-8}
	SIJANG_INDEX_PATH=$var/index
	SIJANG_DEPLOYMENT=main
	SIJANG_TOKEN_ISSUER=sijang
	SIJANG_GATEWAY_BIND=127.0.0.1:$SIJANG_GATEWAY_PORT
	SIJANG_COMMAND_SERVER=$(server_of command-svc "$SIJANG_COMMAND_PORT")
	SIJANG_QUERY_SERVER=$(server_of query-svc "$SIJANG_QUERY_PORT")
	SIJANG_PROJECTOR_SERVER=127.0.0.1:$SIJANG_PROJECTOR_PORT
	local number port
	for ((number = 2; number <= SIJANG_COMMAND_PROCESSES; number++)); do
		port=SIJANG_COMMAND_PORT_$number
		printf -v "SIJANG_COMMAND_SERVER_$number" %s "$(server_of "command-svc-$number" "${!port}")"
	done
	if [ -r "$var/secret" ]; then
		secrets_load
	fi
}

# Where a service listens for the gateway; nothing where that path is too long for the kernel.
socket_of() {
	local path=$var/run/$1.socket
	[ ${#path} -gt 95 ] || printf %s "$path"
}

# socket, or address where there is none.
server_of() {
	local path
	path=$(socket_of "$1")
	printf %s "${path:+unix@$path}"
	[ -n "$path" ] || printf '127.0.0.1:%s' "$2"
}

# Drawn once; a token signed before a restart stays good.
secrets_ensure() {
	if [ ! -e "$var/secret" ]; then
		(
			umask 077
			printf 'SIJANG_TOKEN_SECRET=%s\nSIJANG_DATABASE_PASSWORD=%s\n' \
				"$(random_hex 32)" "$(random_hex 16)" >"$var/secret.fresh"
		)
		mv "$var/secret.fresh" "$var/secret"
	fi
	# Of its own, so that the token secret can be changed. It begins as that one's copy.
	if ! grep -q '^SIJANG_REQUEST_SECRET=' "$var/secret"; then
		sed -n 's/^SIJANG_TOKEN_SECRET=/SIJANG_REQUEST_SECRET=/p' "$var/secret" >>"$var/secret"
	fi
	secrets_load
}

secrets_load() {
	SIJANG_TOKEN_SECRET=$(sed -n 's/^SIJANG_TOKEN_SECRET=//p' "$var/secret")
	SIJANG_REQUEST_SECRET=$(sed -n 's/^SIJANG_REQUEST_SECRET=//p' "$var/secret")
	SIJANG_DATABASE_PASSWORD=$(sed -n 's/^SIJANG_DATABASE_PASSWORD=//p' "$var/secret")
	SIJANG_DATABASE="host=127.0.0.1 port=$SIJANG_POSTGRES_PORT user=sijang"
	SIJANG_DATABASE+=" password=$SIJANG_DATABASE_PASSWORD dbname=sijang"
}

random_hex() {
	od -An -N "$1" -tx1 /dev/urandom | tr -d ' \n'
}

# One ./sijang at a time changes what runs here.
settings_lock() {
	mkdir -p "$var/run" "$var/log" "$var/kafka"
	exec 9>"$var/lock"
	flock -n 9 || fail "another ./sijang is at work here; try again when it is done"
}
