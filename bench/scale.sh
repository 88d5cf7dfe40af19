#!/usr/bin/env bash
# Holds N connections on this one machine, each answered, and tells what they cost: memory of the
# servers and of the kernel, how fast they are made, and an echo beside them against one without.
# bench/SCALING.md says what came of it.
#
# usage: bench/scale.sh N [BUILD] [--json] [--output FILE] [--rounds N] [--sysctl]
# BUILD is the folder of a release build, build/release if not said. `weir doctor` is asked first. Exit
# status: 0 all holds, 1 a target does not or the run is not valid, 71 the machine cannot.
set -euo pipefail
here=$(dirname "${BASH_SOURCE[0]}")
command -v python3 >/dev/null || { echo "scale.sh: this needs python3" >&2; exit 69; }
if [[ ${2---} == -* && ${1-} == [0-9]* ]]; then
  set -- "$1" "$here/../build/release" "${@:2}"
fi
exec python3 "$here/suite/scale.py" "$@"
