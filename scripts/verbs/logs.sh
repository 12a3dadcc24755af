#!/usr/bin/env bash
# The last lines of one log or of all; -f follows.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
. "$here/settings.sh"

follow=() files=()
for word; do
	case $word in
	-f | --follow) follow=(-F) ;;
	*)
		[ -e "$var/log/$word.log" ] ||
			fail "no log of $word; there are: $(cd "$var/log" 2>/dev/null && ls | tr '\n' ' ')"
		files+=("$var/log/$word.log")
		;;
	esac
done
if [ ${#files[@]} -eq 0 ]; then
	files=("$var"/log/*.log)
	[ -e "${files[0]}" ] || fail "nothing has been logged yet"
fi
exec tail -n 40 "${follow[@]}" "${files[@]}"
