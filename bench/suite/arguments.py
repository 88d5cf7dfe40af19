"""The command line of ./dev bench. What is wrong with it is one sentence, and exit 64; what is wrong
with a file it names, exit 66 when it is not there and 65 otherwise.

usage, so that ./dev can tell before it builds anything: arguments.py PART BUILD [OPTION...]
"""

import argparse
import fnmatch
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import lineup
import results
import scenarios
import targets
import tls_lineup
import tls_scenarios

# Beside the rounds: what is counted once.
COUNTS = ("instructions", "calls", "life", "idle", "idle-proxied", "held")
CORE = tuple(scenario.name for scenario in scenarios.SCENARIOS) + COUNTS
TLS = tuple(scenario.name for scenario in tls_scenarios.SCENARIOS) + tuple(tls_scenarios.IDLE)
PARTS = {
    "all": ("", CORE + TLS, "Weir against the baselines and the peers, in clear and over TLS."),
    "core": (" core", CORE, "Weir against the baselines and the peers."),
    "tls": (" tls", TLS, "TLS: Weir against OpenSSL by hand, and as a forwarder."),
}
QUICK_ROUNDS = 2
ROUNDS_MOST = 1000


@dataclass
class Pace:
    rounds: int
    duration: str
    warmup: str
    long_warmup: str  # For servers that are compiled while they run.
    repeats: int      # Of what is counted in fresh servers.


class Parser(argparse.ArgumentParser):
    def error(self, message):
        self.fail(64, message)

    def fail(self, status, message):
        print(f"{self.prog}: {message}", file=sys.stderr)
        raise SystemExit(status)


def make_parser(part):
    word, names, what = PARTS[part]
    parser = Parser(prog=f"bench{word}", usage=f"./dev bench{word} [OPTION...]", description=what,
                    epilog="names: " + " ".join(names), allow_abbrev=False)
    parser.add_argument("build", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--rounds", metavar="N",
                        help=f"of each scenario, {targets.ROUNDS_MIN} if not said")
    parser.add_argument("--only", nargs="+", metavar="NAME", default=[],
                        help="only these; * and ? are wildcards")
    parser.add_argument("--servers", nargs="+", metavar="NAME", default=[],
                        help="only these, and the second copies of those")
    parser.add_argument("--quick", action="store_true",
                        help=f"{QUICK_ROUNDS} short rounds: shows that all works, judges no timing")
    parser.add_argument("--against", type=Path, metavar="FILE",
                        help="a result to compare with; exit 1 when a figure is surely worse")
    parser.add_argument("--output", type=Path, metavar="FILE", help="where the result goes")
    return parser


def names_of(part, parser, patterns):
    """What was chosen of the part; in `tls` the names may be said without their beginning."""
    names = PARTS[part][1]
    found = set() if patterns else set(names)
    for pattern in patterns:
        wanted = {name for name in names if fnmatch.fnmatchcase(name, pattern) or
                  part == "tls" and fnmatch.fnmatchcase(name, f"tls-{pattern}")}
        if not wanted:
            parser.error(f"there is nothing called {pattern!r}; there are: {' '.join(names)}")
        found |= wanted
    return found


def check_servers(parser, chosen):
    lineups = (lineup.echo_servers(chosen.build), lineup.forwarders(chosen.build),
               *tls_lineup.contestants(chosen.build, Path()))
    known = dict.fromkeys(name for contestants in lineups for name in contestants
                          if not name.endswith(" again"))
    for name in chosen.servers:
        if name not in known:
            parser.error(f"there is no server called {name!r}; there are: {', '.join(map(repr, known))}")


def pace_of(parser, chosen):
    if chosen.rounds is None:
        chosen.rounds = str(QUICK_ROUNDS if chosen.quick else targets.ROUNDS_MIN)
    number = int(chosen.rounds) if re.fullmatch(r"[0-9]{1,4}", chosen.rounds) else 0
    if not 1 <= number <= ROUNDS_MOST:
        parser.error(f"--rounds is a number from 1 to {ROUNDS_MOST}, not {chosen.rounds!r}")
    return (Pace(number, "500ms", "100ms", "300ms", 1) if chosen.quick
            else Pace(number, "1200ms", "300ms", "3s", 3))


def baseline(parser, path):
    try:
        return results.read(path)
    except FileNotFoundError:
        parser.fail(66, f"--against {path}: there is no such file")
    except (OSError, results.NoResult) as fault:
        parser.fail(65, f"--against {path}: {fault}")


def parse(part, words):
    parser = make_parser(part)
    chosen = parser.parse_args(words)
    chosen.pace = pace_of(parser, chosen)
    chosen.names = names_of(part, parser, chosen.only)
    check_servers(parser, chosen)
    chosen.baseline = baseline(parser, chosen.against) if chosen.against else None
    return chosen


if __name__ == "__main__":
    parse(sys.argv[1], sys.argv[2:])
