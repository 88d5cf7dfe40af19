#!/usr/bin/env bash
# Proves what the README promises: in a Debian 12 with nothing but its base system, a clone of what
# is committed here passes `./dev test`, and `./dev run` serves. Needs root and debootstrap.
#
# usage: tests/house/bare_debian.sh [FOLDER]
#
# FOLDER keeps the system for another try; without it a temporary one is made and removed.
# WEIR_MIRROR names another Debian mirror, WEIR_BARE_STEPS some of the steps: "refuse test run".
set -euo pipefail
source=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
mirror=${WEIR_MIRROR-http://deb.debian.org/debian}
steps=${WEIR_BARE_STEPS-refuse test run}

die() {
  printf 'bare_debian.sh: %s\n' "$*" >&2
  exit 1
}

if [[ ${WEIR_BARE_INSIDE-} != yes ]]; then
  ((EUID == 0)) || die "this needs root, to make a system and to change into it"
  command -v debootstrap >/dev/null || die "this needs debootstrap: apt-get install debootstrap"
  # Mounts and processes of their own, which end with this script whatever happens in it.
  WEIR_BARE_INSIDE=yes exec unshare --mount --pid --fork --kill-child bash "${BASH_SOURCE[0]}" "$@"
fi

root=${1-}
if [[ -z $root ]]; then
  root=$(mktemp -d)
  trap 'umount -R "$root/proc" "$root/dev" 2>/dev/null || true
        rm -rf --one-file-system "$root"' EXIT
fi
if [[ ! -x $root/usr/bin/apt-get ]]; then
  echo "== Making a Debian 12 in $root"
  debootstrap --variant=minbase bookworm "$root" "$mirror" >"$root.log" 2>&1 ||
    { tail -20 "$root.log" >&2; die "debootstrap failed"; }
  rm -f "$root.log"
fi
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount --make-rslave "$root/dev"

rm -rf "$root/weir"
git -c safe.directory='*' clone -q --no-hardlinks "$source" "$root/weir"

# In front of a command: run it there, as somebody who has just logged in would.
inside=(chroot "$root" /usr/bin/env -i HOME=/root TERM=dumb
  PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin)
exec </dev/null

# Without root or sudo there must be one clear sentence and a failure. Only where packages are missing.
refuse() {
  local said
  if "${inside[@]}" test -x /usr/bin/cmake; then
    echo "refuse: not tried, the packages are installed in this system already"
    return
  fi
  if said=$("${inside[@]}" setpriv --reuid 65534 --clear-groups bash /weir/dev test 2>&1); then
    die "./dev test succeeded without root, sudo or packages"
  fi
  [[ $said == *"root or sudo"* ]] || die "./dev test without root said: $said"
  echo "refuse: $said"
}

# The servers of ./dev run answer, and end when told to.
run() {
  local log=$root/tmp/run.log pid began=$SECONDS answer offset
  # Its ports are this machine's, where others may serve, too.
  offset=$((15000 + RANDOM % 10000))
  "${inside[@]}" WEIR_PORT_OFFSET="$offset" bash -c 'cd /weir && exec ./dev run' >"$log" 2>&1 &
  pid=$!
  until grep -q 'Ctrl-C stops them' "$log"; do
    kill -0 "$pid" 2>/dev/null || { cat "$log" >&2; die "./dev run ended before it served"; }
    ((SECONDS - began < 900)) || { cat "$log" >&2; die "./dev run does not serve after 15 min"; }
    sleep 1
  done
  cat "$log"
  answer=$("${inside[@]}" bash -c "printf 'hello\n' | nc -N 127.0.0.1 $((7007 + offset))")
  [[ $answer == hello ]] || die "echo answered: $answer"
  "${inside[@]}" rdate -p -o $((7037 + offset)) 127.0.0.1
  kill -TERM "$pid"
  wait "$pid" || die "./dev run ended with exit code $?"
  [[ ! -e $root/tmp/weir-0/echo.sock ]] || die "./dev run left its Unix socket behind"
}

for step in $steps; do
  printf '\n######## %s\n' "$step"
  case $step in
    refuse) refuse ;;
    test) "${inside[@]}" bash -c 'cd /weir && ./dev test' ;;
    run) run ;;
    *) die "there is no step '$step'" ;;
  esac
done
printf '\nA bare Debian 12 does what the README says: %s\n' "$steps"
