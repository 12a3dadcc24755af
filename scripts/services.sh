# Our three services and the gateway in front of them. Sourced after processes.sh.

# command-svc, command-svc-2, …: as many as are wanted.
command_processes() {
	local number
	printf 'command-svc\n'
	for ((number = 2; number <= SIJANG_COMMAND_PROCESSES; number++)); do
		printf 'command-svc-%s\n' "$number"
	done
}

# What up has started once and does not want any more.
surplus_processes() {
	local number
	for ((number = SIJANG_COMMAND_PROCESSES + 1; number <= processes_max; number++)); do
		[ ! -e "$var/run/command-svc-$number.pid" ] || printf 'command-svc-%s\n' "$number"
	done
}

# In the order of starting.
all_processes() {
	printf '%s\n' kafka postgres $(command_processes) $(surplus_processes) \
		projector query-svc gateway
}

program() {
	case $1 in
	sijangctl) printf %s "$build/ctl/sijangctl" ;;
	command-svc*) printf %s "$build/command-svc/command-svc" ;;
	*) printf %s "$build/$1/$1" ;;
	esac
}

port_of() {
	local port
	case $1 in
	kafka) printf %s "$SIJANG_KAFKA_PORT" ;;
	postgres) printf %s "$SIJANG_POSTGRES_PORT" ;;
	command-svc) printf %s "$SIJANG_COMMAND_PORT" ;;
	command-svc-*)
		port=SIJANG_COMMAND_PORT_${1##*-}
		printf %s "${!port}"
		;;
	projector) printf %s "$SIJANG_PROJECTOR_PORT" ;;
	query-svc) printf %s "$SIJANG_QUERY_PORT" ;;
	gateway) printf %s "$SIJANG_GATEWAY_PORT" ;;
	esac
}

ready() {
	case $1 in
	kafka) kafka_ready ;;
	postgres) postgres_ready ;;
	*) http_ready "$(port_of "$1")" ;;
	esac
}

service_start() {
	local everybody="SIJANG_ADDRESS SIJANG_KAFKA_BROKERS SIJANG_PARTITIONS"
	local SIJANG_COMMAND_PORT=$SIJANG_COMMAND_PORT SIJANG_INDEX_PATH=$SIJANG_INDEX_PATH
	local SIJANG_COMMAND_SOCKET SIJANG_QUERY_SOCKET
	SIJANG_COMMAND_SOCKET=$(socket_of "$1")
	SIJANG_QUERY_SOCKET=$SIJANG_COMMAND_SOCKET
	port_require "$1" "$(port_of "$1")" "${1/-svc/}"
	case $1 in
	command-svc*)
		everybody+=" SIJANG_COMMAND_PORT SIJANG_COMMAND_SOCKET SIJANG_INDEX_PATH"
		everybody+=" SIJANG_TOKEN_SECRET"
		everybody+=" SIJANG_REQUEST_SECRET SIJANG_TOKEN_ISSUER SIJANG_DEPLOYMENT"
		SIJANG_COMMAND_PORT=$(port_of "$1")
		SIJANG_INDEX_PATH+=${1#command-svc}
		;;
	projector) everybody+=" SIJANG_PROJECTOR_PORT SIJANG_DATABASE SIJANG_TOKEN_SECRET"
		everybody+=" SIJANG_TOKEN_ISSUER" ;;
	query-svc) everybody+=" SIJANG_QUERY_PORT SIJANG_QUERY_SOCKET SIJANG_DATABASE"
		everybody+=" SIJANG_TOKEN_SECRET"
		everybody+=" SIJANG_TOKEN_ISSUER" ;;
	esac
	process_ensure "$1" "$everybody" "$(program "$1")"
}

gateway_start() {
	port_require gateway "$SIJANG_GATEWAY_PORT" gateway
	local number servers="SIJANG_COMMAND_SERVER SIJANG_QUERY_SERVER SIJANG_PROJECTOR_SERVER"
	for ((number = 2; number <= SIJANG_COMMAND_PROCESSES; number++)); do
		servers+=" SIJANG_COMMAND_SERVER_$number"
	done
	process_ensure gateway "SIJANG_GATEWAY_BIND $servers" \
		haproxy -db -f "$root/compose/haproxy/haproxy.cfg"
}

# sijangctl with this market's settings.
ctl() {
	(
		cd "$root" || exit 1
		export SIJANG_KAFKA_BROKERS SIJANG_DATABASE SIJANG_TOKEN_SECRET SIJANG_TOKEN_ISSUER
		export SIJANG_PARTITIONS SIJANG_INDEX_PATH
		export SIJANG_PROJECTOR_URL=http://127.0.0.1:$SIJANG_PROJECTOR_PORT
		exec "$(program sijangctl)" "$@"
	) 9>&-
}
