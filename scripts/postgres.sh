# A private PostgreSQL cluster as an ordinary process. It refuses root, so that root runs it as user
# postgres; where that user cannot reach the clone, the cluster lies under /var/lib/postgresql.
# Sourced after processes.sh.

postgres_bin=$(printf '%s\n' /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
postgres_as=()
if [ "$(id -u)" -eq 0 ]; then
	postgres_as=(setpriv --reuid=postgres --regid=postgres --init-groups --)
fi

# The folder of the cluster, a link in var when it must be elsewhere.
postgres_home() {
	if [ "$(id -u)" -eq 0 ] && ! (cd / && "${postgres_as[@]}" test -x "$var"); then
		printf '/var/lib/postgresql/sijang-%s' "$(printf %s "$root" | cksum | cut -d' ' -f1)"
	else
		printf %s "$var/postgres"
	fi
}

postgres_start() {
	local home data
	port_require postgres "$SIJANG_POSTGRES_PORT" postgres
	home=$(postgres_home)
	data=$home/data
	postgres_create "$home"
	process_alive postgres || postgres_unlock "$home"
	process_ensure postgres "" "${postgres_as[@]}" "$postgres_bin/postgres" -D "$data" \
		-c "port=$SIJANG_POSTGRES_PORT" -c listen_addresses=127.0.0.1 \
		-c "unix_socket_directories=$(postgres_sockets "$home")" \
		-c shared_buffers=256MB -c max_connections=50 -c jit=off -c max_wal_size=2GB \
		-c checkpoint_timeout=15min -c wal_compression=on -c random_page_cost=1.1 \
		-c logging_collector=off -c cluster_name=sijang
}

# After a crash or a reboot its lock files name a pid that is nobody, a zombie, or somebody else by
# now. They may go once no process works in the cluster's folder any more.
postgres_unlock() {
	local deadline=$((SECONDS + 15))
	while [ -n "$(find /proc/[0-9]*/cwd -lname "$1/data" -print -quit 2>/dev/null)" ]; do
		[ $SECONDS -lt $deadline ] || fail "a PostgreSQL not started here works in $1/data"
		sleep 0.05
	done
	rm -f "$1/data/postmaster.pid" "$1"/.s.PGSQL.*
}

postgres_create() {
	local home=$1
	[ ! -e "$home/data/PG_VERSION" ] || return 0
	rm -rf "${home:?}/data"
	mkdir -p "$home"
	(umask 077 && printf '%s\n' "$SIJANG_DATABASE_PASSWORD" >"$home/password")
	if [ "$(id -u)" -eq 0 ]; then
		chown postgres:postgres "$home" "$home/password"
	fi
	[ "$home" = "$var/postgres" ] || ln -sfn "$home" "$var/postgres"
	(cd / && "${postgres_as[@]}" "$postgres_bin/initdb" -D "$home/data" -U sijang \
		--pwfile="$home/password" -A scram-sha-256 -E UTF8 --locale=C.UTF-8) \
		>>"$var/log/postgres.log" 2>&1 </dev/null || process_complain postgres "was not created"
	rm "$home/password"
}

# A socket's path has at most 107 bytes.
postgres_sockets() {
	if [ ${#1} -lt 80 ]; then
		printf %s "$1"
	fi
}

postgres_ready() {
	[ -n "$(port_inode "$SIJANG_POSTGRES_PORT")" ] &&
		"$postgres_bin/pg_isready" -q -h 127.0.0.1 -p "$SIJANG_POSTGRES_PORT"
}

postgres_ask() {
	PGPASSWORD=$SIJANG_DATABASE_PASSWORD "$postgres_bin/psql" -qtAX -v ON_ERROR_STOP=1 \
		-h 127.0.0.1 -p "$SIJANG_POSTGRES_PORT" -U sijang -d postgres -c "$1"
}

postgres_create_database() {
	if [ -z "$(postgres_ask "SELECT 1 FROM pg_database WHERE datname = 'sijang'")" ]; then
		postgres_ask "CREATE DATABASE sijang"
	fi
}

postgres_wipe() {
	local home
	home=$(postgres_home)
	rm -rf "${home:?}" "$var/postgres"
}
