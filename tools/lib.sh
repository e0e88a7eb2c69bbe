# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# What the scripts in tools/ share. Source it after `set -euo pipefail`:
#   . "$(dirname "$(realpath "$0")")/lib.sh"
# It sets $top (the source tree) and the colours, which are empty unless standard error is a terminal.

top=$(dirname "$(dirname "$(realpath "${BASH_SOURCE[0]}")")")

if [ -t 2 ] && [ -z "${NO_COLOR:-}" ] && [ "${TERM:-dumb}" != dumb ]; then
	mr_bold=$'\e[1m' mr_red=$'\e[31m' mr_green=$'\e[32m' mr_yellow=$'\e[33m' mr_plain=$'\e[0m'
else
	mr_bold='' mr_red='' mr_green='' mr_yellow='' mr_plain=''
fi

# What a script says about its own work goes to standard error, so that results can be piped.
say() { printf '%s==> %s%s\n' "$mr_bold" "$*" "$mr_plain" >&2; }
note() { printf '    %s\n' "$*" >&2; }
good() { printf '    %s%s%s\n' "$mr_green" "$*" "$mr_plain" >&2; }
warn() { printf '%swarning: %s%s\n' "$mr_yellow" "$*" "$mr_plain" >&2; }
fail() { printf '%s%s: %s%s\n' "$mr_red" "${0##*/}" "$*" "$mr_plain" >&2; }
die() {
	fail "$*"
	exit 1
}

# The comment block at the head of the calling script is its --help.
usage() { awk 'NR > 2 && !/^#/ { exit } NR > 2 { sub(/^# ?/, ""); print }' "$0"; }

# usage_error WORD: an argument that the script doesn't know.
usage_error() {
	fail "unknown argument '$1'; see tools/${0##*/} --help"
	exit 2
}

cores() { nproc; }

# Debian's own Python: only there are the modules that tools/setup installs (pytest, yaml).
python() {
	if [ -x /usr/bin/python3 ]; then /usr/bin/python3 "$@"; else python3 "$@"; fi
}

# as_root COMMAND...: run it as root, directly or by sudo.
as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo -- "$@"
	else
		die "need root for '$1': run this as root or install sudo"
	fi
}

# quietly LOG COMMAND...: on a terminal show the output, elsewhere keep it in LOG and show its end on failure.
quietly() {
	local log=$1
	shift
	if [ -t 2 ]; then
		"$@" >&2
		return
	fi
	"$@" >"$log" 2>&1 && return
	fail "'$*' failed; the end of $log:"
	tail -n 60 "$log" >&2
	return 1
}

# build DIR [MESON OPTION...] [-- NINJA TARGET...]: configure (again when an option changed) and build.
build() {
	local dir=$top/$1 options=() targets=()
	shift
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	[ $# -gt 0 ] && shift
	targets=("$@")
	mkdir -p "$dir"
	if [ ! -f "$dir/build.ninja" ]; then
		note "configure ${dir#"$top"/}"
		quietly "$dir/configure.log" meson setup "$dir" "$top" "${options[@]}" || return 1
	elif [ ${#options[@]} -gt 0 ]; then
		quietly "$dir/configure.log" meson configure "$dir" "${options[@]}" || return 1
	fi
	note "compile ${dir#"$top"/} with $(cores) jobs"
	quietly "$dir/build.log" ninja -C "$dir" -j "$(cores)" "${targets[@]}"
}
