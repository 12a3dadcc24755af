# Builds the programs. Sourced after settings.sh.

# build_ensure PRESET TARGET...: without targets, everything.
build_ensure() {
	local preset=$1 log=$var/log/build-$1.log targets=()
	shift
	[ $# -eq 0 ] || targets=(--target "$@")
	mkdir -p "$var/log"
	if [ ! -e "$root/build/$preset/build.ninja" ]; then
		say "build: configuring $preset"
	fi
	(
		cd "$root" || exit 1
		[ -e "build/$preset/build.ninja" ] || cmake --preset "$preset"
		cmake --build --preset "$preset" --parallel "$(nproc)" "${targets[@]}"
	) >"$log" 2>&1 </dev/null 9>&- || {
		awk '/^FAILED:|CMake Error|error: / { found = 1 } found && ++lines <= 25' "$log" >&2
		say "build of $preset failed; its output is var/log/build-$preset.log" >&2
		return 1
	}
}
