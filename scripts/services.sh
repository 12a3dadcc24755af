# Our three services and the gateway in front of them. Sourced after processes.sh.

all_processes="kafka postgres command-svc projector query-svc gateway" # in the order of starting

program() {
	case $1 in
	sijangctl) printf %s "$build/ctl/sijangctl" ;;
	*) printf %s "$build/$1/$1" ;;
	esac
}

port_of() {
	case $1 in
	kafka) printf %s "$SIJANG_KAFKA_PORT" ;;
	postgres) printf %s "$SIJANG_POSTGRES_PORT" ;;
	command-svc) printf %s "$SIJANG_COMMAND_PORT" ;;
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
	port_require "$1" "$(port_of "$1")" "${1%-svc}"
	case $1 in
	command-svc) everybody+=" SIJANG_COMMAND_PORT SIJANG_INDEX_PATH SIJANG_TOKEN_SECRET"
		everybody+=" SIJANG_REQUEST_SECRET SIJANG_TOKEN_ISSUER" ;;
	projector) everybody+=" SIJANG_PROJECTOR_PORT SIJANG_DATABASE SIJANG_TOKEN_SECRET"
		everybody+=" SIJANG_TOKEN_ISSUER" ;;
	query-svc) everybody+=" SIJANG_QUERY_PORT SIJANG_DATABASE SIJANG_TOKEN_SECRET"
		everybody+=" SIJANG_TOKEN_ISSUER" ;;
	esac
	process_ensure "$1" "$everybody" "$(program "$1")"
}

gateway_start() {
	port_require gateway "$SIJANG_GATEWAY_PORT" gateway
	local servers="SIJANG_COMMAND_SERVER SIJANG_QUERY_SERVER SIJANG_PROJECTOR_SERVER"
	process_ensure gateway "SIJANG_GATEWAY_BIND $servers" \
		haproxy -db -f "$root/compose/haproxy/haproxy.cfg"
}

# sijangctl with this market's settings.
ctl() {
	(
		cd "$root" || exit 1
		export SIJANG_KAFKA_BROKERS SIJANG_DATABASE SIJANG_TOKEN_SECRET SIJANG_TOKEN_ISSUER
		export SIJANG_PARTITIONS SIJANG_INDEX_PATH
		exec "$(program sijangctl)" "$@"
	) 9>&-
}
