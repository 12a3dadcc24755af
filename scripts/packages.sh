# Installs with apt what is missing from the sets of packages.txt. Sourced after settings.sh.

# packages_ensure SET...
packages_ensure() {
	local missing runner=()
	if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
		say "no apt here: trusting that what scripts/packages.txt names is installed"
		return 0
	fi
	missing=$(packages_missing "$@")
	[ -n "$missing" ] || return 0
	if [ "$(id -u)" -ne 0 ]; then
		runner=(sudo -n)
		if ! sudo -n true 2>/dev/null; then
			fail "these packages are missing; please run, then try again:
  sudo apt-get update && sudo apt-get install -y --no-install-recommends" $missing
		fi
	fi
	say "installing" $missing
	packages_install $missing
}

packages_missing() {
	local wanted
	wanted=$(awk -v sets=" $* " '!/^#/ && index(sets, " " $1 " ") { print $2 }' \
		"$root/scripts/packages.txt" | sort -u)
	# shellcheck disable=SC2086
	comm -23 <(printf '%s\n' "$wanted") <(dpkg-query -W \
		-f '${db:Status-Status} ${Package}\n' $wanted 2>/dev/null |
		sed -n 's/^installed //p' | sort -u) | tr '\n' ' '
}

packages_install() {
	local log=$var/log/apt.log apt=("${runner[@]}" env DEBIAN_FRONTEND=noninteractive apt-get
		-y -q -o DPkg::Lock::Timeout=300)
	mkdir -p "$var/log"
	{
		"${apt[@]}" update && "${apt[@]}" install --no-install-recommends "$@"
	} >"$log" 2>&1 </dev/null 9>&- || {
		tail -n 15 "$log" >&2
		fail "apt-get did not succeed; its output is var/log/apt.log"
	}
}
