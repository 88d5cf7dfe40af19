#!/usr/bin/env bash
# Serves the simple protocols on loopback until Ctrl-C, and says how to talk to each.
#
# usage: examples/serve.sh [PATH OF weir]
#
# WEIR_PORT_OFFSET=N adds N to every port, for when one is taken.
set -euo pipefail

weir=${1-$(dirname "${BASH_SOURCE[0]}")/../build/dev/bin/weir}
offset=${WEIR_PORT_OFFSET-0}
folder=${XDG_RUNTIME_DIR:+$XDG_RUNTIME_DIR/weir}
folder=${folder:-/tmp/weir-$UID}
pids=()

die() {
  printf 'serve.sh: %s\n' "$*" >&2
  exit 1
}

# One TERM each lets them finish what they are sending; a second Ctrl-C cuts that short.
stop() {
  local pid
  ((${#pids[@]})) || return 0
  trap 'kill -TERM "${pids[@]}" 2>/dev/null || true' INT TERM HUP
  kill -TERM "${pids[@]}" 2>/dev/null || true
  for pid in "${pids[@]}"; do
    while kill -0 "$pid" 2>/dev/null; do wait "$pid" || true; done
  done
}
trap stop EXIT
trap 'printf "\nStopping.\n"; exit 0' INT TERM HUP

# serve PROTOCOL URL... [--OPTION VALUE...] starts one server and returns once it accepts on every URL.
# Its standard output goes through a pipe that this script reads.
serve() {
  local name=$1 pipe out pid line word urls=0 ready=0 tries=0 status=0
  shift
  for word; do
    [[ $word != --* ]] || break
    urls=$((urls + 1))
  done
  pipe=$(mktemp -u "$folder/pipe.XXXXXX")
  mkfifo -m 0600 "$pipe"
  exec {out}<>"$pipe"
  rm "$pipe"
  # In a session of its own, so that Ctrl-C reaches this script alone.
  setsid "$weir" serve "$name" "$@" >&"$out" {out}>&- </dev/null &
  pid=$!
  pids+=("$pid")
  while ((ready < urls)); do
    if read -r -t 0.2 -u "$out" line; then
      [[ $line == ready\ * ]] && ready=$((ready + 1))
    elif ! kill -0 "$pid" 2>/dev/null; then
      wait "$pid" || status=$?
      if ((status == 69)); then
        die "$name cannot listen on $*: the port is taken. Stop who has it (ss -ltnp shows them)" \
          "or use other ports: WEIR_PORT_OFFSET=10000 ./dev run"
      fi
      die "$name on $* ended at once with exit code $status"
    elif ((++tries > 50)); then
      die "$name on $* is not ready after 10 s"
    fi
  done
  exec {out}>&-
}

[[ $offset =~ ^[0-9]+$ ]] || die "WEIR_PORT_OFFSET is not a number: $offset"
[[ -x $weir ]] || die "there is no program at $weir: ./dev build makes it"

# In /tmp others could have made the folder before us: then it is not ours to trust.
mkdir -p -m 0700 "$folder"
[[ -O $folder && ! -L $folder ]] || die "$folder belongs to somebody else"
chmod 0700 "$folder"

echo_port=$((7007 + offset))
forward_port=$((7008 + offset))
discard_port=$((7009 + offset))
daytime_port=$((7013 + offset))
time_port=$((7037 + offset))
yousaid_port=$((3456 + offset))
host=127.0.0.1

serve echo "tcp://$host:$echo_port" "unix://$folder/echo.sock"
serve forward "tcp://$host:$forward_port" "unix://$folder/forward.sock" \
  --to "tcp://$host:$echo_port" --to "unix://$folder/echo.sock"
serve discard "tcp://$host:$discard_port"
serve daytime "tcp://$host:$daytime_port"
serve time "tcp://$host:$time_port"
serve yousaid "tcp://$host:$yousaid_port"

cat <<END

Serving on loopback. Try, in another terminal:

  echo       nc $host $echo_port
  echo       nc -U $folder/echo.sock
  forward    nc $host $forward_port
  forward    nc -U $folder/forward.sock
  discard    telnet $host $discard_port
  daytime    nc $host $daytime_port
  time       rdate -p -o $time_port $host
  yousaid    telnet $host $yousaid_port

Ctrl-C stops them.
END

wait -n "${pids[@]}" || true
die "a server ended by itself; the others are stopped"
