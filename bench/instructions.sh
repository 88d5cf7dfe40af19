#!/usr/bin/env bash
# User instructions of one echo, over its whole life in the server: the slope between a short and a
# long run under callgrind, which counts the same whatever else the machine does.
#
# usage: bench/instructions.sh [FOLDER OF A RELEASE BUILD [ECHO SERVER WITH ITS ARGUMENTS...]]
# Without a server it is Weir's. The server prints a line that begins with `ready` and ends with its
# port, and leaves on SIGTERM.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
build=${1-build/release}
shift $(($# ? 1 : 0))
(($#)) || set -- "$build/bin/weir" serve echo tcp://127.0.0.1:0 --loops 1
server_command=("$@")
connections=50
size=64
short=200
long=1200
command -v valgrind >/dev/null || { echo "this needs valgrind: apt-get install valgrind" >&2; exit 69; }

work=$(mktemp -d)
server=
trap '[[ -z $server ]] || kill -KILL "$server" 2>/dev/null; rm -rf "$work"' EXIT

# count ROUNDS: prints the instructions of a server's life with so many messages per connection.
count() {
  : >"$work/out"
  valgrind --tool=callgrind --callgrind-out-file="$work/callgrind" \
    "${server_command[@]}" >"$work/out" 2>"$work/err" &
  server=$!
  until grep -q '^ready' "$work/out"; do
    kill -0 "$server" || { cat "$work/err" >&2; exit 70; }
    read -r -t 0.1 <> <(:) || true
  done
  python3 bench/ask_in_turn.py "$(sed -n 's/^ready.*[: ]\([0-9]*\)$/\1/p' "$work/out")" \
    "$connections" "$1" "$size" "$server"
  kill -TERM "$server"
  wait "$server"
  server=
  sed -n 's/^summary: *//p; s/^totals: *//p' "$work/callgrind" | head -1
}

first=$(count "$short")
second=$(count "$long")
awk -v a="$first" -v b="$second" -v n=$((connections * (long - short))) -v c="$connections" \
  -v s="$size" 'BEGIN {
    printf "{\"scenario\": \"echo\", \"connections\": %d, \"size\": %d, ", c, s
    printf "\"messages\": %d, \"instructions_per_message\": %.1f}\n", n, (b - a) / n
  }'
