#!/usr/bin/env bash
# Serves examples/weir.toml until Ctrl-C, and says how to talk to each service.
#
# usage: examples/serve.sh [PATH OF weir]
#
# Unix sockets, and certificates for trying TLS, go to a folder of your own. WEIR_PORT_OFFSET=N adds N to every port, for when one is
# taken. HUP reads the configuration again.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
weir=${1-$here/../build/dev/bin/weir}
offset=${WEIR_PORT_OFFSET-0}
folder=${XDG_RUNTIME_DIR:+$XDG_RUNTIME_DIR/weir}
folder=${folder:-/tmp/weir-$UID}
host=127.0.0.1
pid=

die() {
  printf 'serve.sh: %s\n' "$*" >&2
  exit 1
}

# One TERM lets it finish what it is sending; a second Ctrl-C cuts that short.
stop() {
  [[ -n $pid ]] || return 0
  trap 'kill -TERM "$pid" 2>/dev/null || true' INT TERM
  kill -TERM "$pid" 2>/dev/null || true
  while kill -0 "$pid" 2>/dev/null; do wait "$pid" || true; done
  rm -f "$folder/weir.toml"
}
trap stop EXIT
trap 'printf "\nStopping.\n"; exit 0' INT TERM
trap 'configure; kill -HUP "$pid"' HUP

# The example with this folder and these ports in place of its own.
configure() {
  awk -v folder="$folder/" -v offset="$offset" -v host="://$host:" '{
    gsub("/tmp/weir/", folder)
    out = ""
    while (at = index($0, host)) {
      out = out substr($0, 1, at + length(host) - 1)
      $0 = substr($0, at + length(host))
      match($0, /^[0-9]+/)
      out = out (substr($0, 1, RLENGTH) + offset)
      $0 = substr($0, RLENGTH + 1)
    }
    print out $0
  }' "$here/weir.toml" >"$folder/weir.toml"
}

[[ $offset =~ ^[0-9]+$ ]] || die "WEIR_PORT_OFFSET is not a number: $offset"
offset=$((10#$offset))
[[ -x $weir ]] || die "there is no program at $weir: ./dev build makes it"

# In /tmp others could have made the folder before us: then it is not ours to trust.
mkdir -p -m 0700 "$folder"
[[ -O $folder && ! -L $folder ]] || die "$folder belongs to somebody else"
chmod 0700 "$folder"
bash "$here/certs.sh" "$folder/certs" >/dev/null || die "there are no certificates to serve TLS with"
configure
"$weir" check "$folder/weir.toml" >/dev/null || die "examples/weir.toml has a fault"

# Its standard output goes through a pipe that this script reads.
pipe=$(mktemp -u "$folder/pipe.XXXXXX")
mkfifo -m 0600 "$pipe"
exec {out}<>"$pipe"
rm "$pipe"
# In a session of its own, so that Ctrl-C reaches this script alone.
setsid "$weir" run "$folder/weir.toml" >&"$out" {out}>&- </dev/null &
pid=$!
sockets=$(grep '^listen' "$folder/weir.toml" | grep -o -E '(tcp|tls|unix)://' | wc -l)
for ((ready = 0, tries = 0; ready < sockets;)); do
  if read -r -t 0.2 -u "$out" line; then
    [[ $line == ready\ * ]] && ready=$((ready + 1))
  elif ! kill -0 "$pid" 2>/dev/null; then
    status=0
    wait "$pid" || status=$?
    pid=
    if ((status == 69)); then
      die "a port is taken. Stop who has it (ss -ltnp shows them) or use other ports:" \
        "WEIR_PORT_OFFSET=10000 ./dev run"
    fi
    die "it ended at once with exit code $status"
  elif ((++tries > 50)); then
    die "it is not ready after 10 s"
  fi
done
exec {out}>&-

cat <<END

Serving examples/weir.toml on loopback. Try, in two other terminals:

  chat       nc $host $((7070 + offset))
  chat       nc -U $folder/chat.sock
  chat       openssl s_client -quiet -CAfile $folder/certs/ca.pem -connect $host:$((7071 + offset))

and then:

  echo       nc $host $((7007 + offset))
  echo       nc -U $folder/echo.sock
  forward    nc $host $((7008 + offset))
  forward    nc -U $folder/forward.sock
  discard    telnet $host $((7009 + offset))
  daytime    nc $host $((7013 + offset))
  time       rdate -p -o $((7037 + offset)) $host
  yousaid    telnet $host $((3456 + offset))

Ctrl-C stops them.
END

while kill -0 "$pid" 2>/dev/null; do wait "$pid" || true; done
die "it ended by itself"
