# Processes started here, known by pid, start time and boot, so that a pid which somebody else has
# got since, or a file from before a reboot, is never taken for ours. Sourced after settings.sh.

started=() # what this run has started

# process_ensure NAME "VARIABLE ..." COMMAND...: runs already as described, or is (re)started so.
process_ensure() {
	local name=$1 variables=$2 fingerprint
	shift 2
	fingerprint=$(process_fingerprint "$variables" "$@")
	if process_alive "$name"; then
		[ "$(process_recorded "$name" 4)" != "$fingerprint" ] || return 0
		say "$name: changed, starting it again"
		process_stop "$name"
	fi
	process_start "$name" "$variables" "$fingerprint" "$@"
}

# The command, the variables it is given, and each file named in it.
process_fingerprint() {
	local variable word
	{
		for variable in $1; do
			printf '%s=%s\n' "$variable" "${!variable}"
		done
		for word in "${@:2}"; do
			printf '%s\n' "$word"
			[ ! -f "$word" ] || stat -c '%i %Y' "$word"
		done
	} | cksum | tr ' ' -
}

process_start() {
	local name=$1 variables=$2 fingerprint=$3 pid
	shift 3
	(
		cd / || exit 1
		# shellcheck disable=SC2086
		[ -z "$variables" ] || export $variables
		exec setsid "$@"
	) >>"$var/log/$name.log" 2>&1 </dev/null 9>&- &
	pid=$!
	printf '%s %s %s %s\n' "$pid" "$(process_born "$pid")" "$(boot_id)" "$fingerprint" \
		>"$var/run/$name.pid"
	started+=("$name")
}

boot_id() {
	cat /proc/sys/kernel/random/boot_id
}

# Its start time in ticks since boot; nothing for one that is gone or a zombie.
process_born() {
	local stat
	{ stat=$(<"/proc/$1/stat"); } 2>/dev/null || return 1
	# shellcheck disable=SC2086
	set -- ${stat##*) }
	[ "$1" != Z ] && [ "$1" != X ] && printf %s "${20}"
}

process_recorded() {
	local fields=()
	[ -r "$var/run/$1.pid" ] || return 1
	read -ra fields <"$var/run/$1.pid"
	printf %s "${fields[$2 - 1]:-}"
}

process_pid() {
	process_recorded "$1" 1
}

process_alive() {
	local pid
	pid=$(process_pid "$1") || return 1
	[ "$(process_recorded "$1" 3)" = "$(boot_id)" ] &&
		[ "$(process_born "$pid")" = "$(process_recorded "$1" 2)" ]
}

# Asked to end, given 15 s, then made to.
process_stop() {
	local name=$1 pid signal=TERM deadline
	if process_alive "$name"; then
		pid=$(process_pid "$name")
		case $name in
		gateway) signal=USR1 ;; # finishes what is under way
		postgres) signal=INT ;; # ends open sessions
		esac
		kill -s "$signal" "$pid" 2>/dev/null || true
		deadline=$((SECONDS + 15))
		while process_alive "$name"; do
			if [ $SECONDS -ge $deadline ]; then
				say "$name: did not end by itself, killed"
				kill -s KILL "$pid" 2>/dev/null || true
				deadline=$((SECONDS + 15))
			fi
			sleep 0.05
		done
	fi
	rm -f "$var/run/$name.pid"
}

# process_wait NAME SECONDS QUESTION...: until the answer is yes, or the process has ended.
process_wait() {
	local name=$1 deadline=$((SECONDS + $2)) began=${EPOCHREALTIME/./}
	shift 2
	until "$@"; do
		process_alive "$name" || process_complain "$name" "ended while starting"
		[ $SECONDS -lt "$deadline" ] || process_complain "$name" "is not ready yet; giving up"
		sleep 0.05
	done
	case " ${started[*]-} " in
	*" $name "*) say "$name: ready after $(((${EPOCHREALTIME/./} - began) / 1000)) ms" ;;
	esac
}

process_complain() {
	tail -n 25 "$var/log/$1.log" >&2
	fail "$1 $2; its log is var/log/$1.log"
}

process_memory_kib() {
	awk '/^RssAnon:/ { print $2 }' "/proc/$(process_pid "$1")/status"
}

# port_require NAME PORT: nobody else listens there.
port_require() {
	local inode holder
	process_alive "$1" && return 0
	inode=$(port_inode "$2")
	[ -n "$inode" ] || return 0
	holder=$({ find /proc/[0-9]*/fd -lname "socket:\[$inode\]" -print -quit 2>/dev/null || true; } |
		cut -d/ -f3)
	if [ -n "$holder" ]; then
		holder=", held by pid $holder ($(tr '\0' ' ' <"/proc/$holder/cmdline" | cut -c1-80))"
	fi
	fail "port $2 of $1 is taken$holder; choose another with --port-$3 N"
}

port_inode() {
	awk -v port="$(printf ':%04X$' "$1")" '$4 == "0A" && $2 ~ port { print $10; exit }' \
		/proc/net/tcp /proc/net/tcp6 2>/dev/null || true # one without IPv6 has no tcp6
}

http_ready() {
	curl -sf -m 5 -o /dev/null "http://127.0.0.1:$1/ready" 2>/dev/null
}
