"""The command line. What is wrong with it is one sentence, and exit 64."""

import argparse
import fnmatch
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import targets
from scenarios import SCENARIOS

# Beside the rounds: what is counted once.
COUNTS = ("instructions", "calls", "life", "idle", "idle-proxied", "held")
NAMES = tuple(scenario.name for scenario in SCENARIOS) + COUNTS
QUICK_ROUNDS = 3
ROUNDS_MOST = 1000


@dataclass
class Pace:
    rounds: int
    duration: str
    warmup: str


class Parser(argparse.ArgumentParser):
    def error(self, message):
        print(f"{self.prog}: {message}", file=sys.stderr)
        raise SystemExit(64)


def make_parser():
    parser = Parser(prog="bench core", usage="./dev bench core [OPTION...]",
                    description="Weir against the baselines and the peers.",
                    epilog="names: " + " ".join(NAMES), allow_abbrev=False)
    parser.add_argument("build", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--rounds", metavar="N",
                        help=f"of each scenario, {targets.ROUNDS_MIN} if not said")
    parser.add_argument("--only", nargs="+", metavar="NAME", default=[],
                        help="only these; * and ? are wildcards")
    parser.add_argument("--servers", nargs="+", metavar="NAME", default=[],
                        help="only these, and the second copies of those")
    parser.add_argument("--quick", action="store_true",
                        help=f"{QUICK_ROUNDS} short rounds: shows that all works, judges no timing")
    parser.add_argument("--output", type=Path, metavar="FILE", help="where the result goes")
    return parser


def parse(words):
    parser = make_parser()
    chosen = parser.parse_args(words)
    if chosen.rounds is None:
        chosen.rounds = str(QUICK_ROUNDS if chosen.quick else targets.ROUNDS_MIN)
    number = int(chosen.rounds) if re.fullmatch(r"[0-9]{1,4}", chosen.rounds) else 0
    if not 1 <= number <= ROUNDS_MOST:
        parser.error(f"--rounds is a number from 1 to {ROUNDS_MOST}, not {chosen.rounds!r}")
    chosen.rounds = number
    for pattern in chosen.only:
        if not fnmatch.filter(NAMES, pattern):
            parser.error(f"there is nothing called {pattern!r}; there are: {' '.join(NAMES)}")
    chosen.names = {name for name in NAMES if not chosen.only or
                    any(fnmatch.fnmatchcase(name, pattern) for pattern in chosen.only)}
    chosen.pace = (Pace(chosen.rounds, "500ms", "100ms") if chosen.quick
                   else Pace(chosen.rounds, "1200ms", "300ms"))
    return chosen


if __name__ == "__main__":
    parse(sys.argv[1:])  # So that ./dev can tell before it builds anything.
