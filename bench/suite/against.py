#!/usr/bin/env python3
"""Compares a sitting with an earlier one, figure by figure: better, same, worse, or cannot tell.

Counts (instructions, calls, bytes) are compared as they are. Of timings only ratios are, since machines
drift: Weir's against the reference of the same sitting.

usage: against.py BASELINE.json RESULT.json    exit 1 when a figure is surely worse
"""

import sys
from dataclasses import dataclass

import figures
import mean
import results
import targets

BETTER, SAME, WORSE, UNKNOWN = "better", "same", "worse", "cannot tell"
COUNTS_DIFFER = 0.03
RATIOS_DIFFER = 0.05
SHARES_DIFFER = 0.15
COUNTS = (
    ("user instructions per echo", ("instructions", "weir")),
    ("system calls per echo", ("calls_per_echo", "weir", "total")),
    ("system calls per connection", ("calls_per_life", "weir", "total")),
    ("user bytes of an idle connection", ("idle", "weir", "connected")),
    ("the same after an echo", ("idle", "weir", "touched")),
    ("user bytes of an idle proxied connection", ("idle_proxied", "weir", "connected")),
    ("the same, proxied, after an echo", ("idle_proxied", "weir", "touched")),
    ("user bytes of an idle TLS connection after an echo", ("tls_idle", "weir", "touched")),
    ("the same, forwarded", ("tls_idle_forward", "weir", "touched")),
)


@dataclass
class Figure:
    """Of one sitting. Without a value, `why` says what is missing, and `ours` whether it is Weir's."""

    value: float | None
    low: float | None = None   # Of a ratio's 95 % interval.
    high: float | None = None
    doubt: str = ""            # Why the ratio is no ground for a verdict.
    rate: bool = False         # More is better.
    shares: tuple = ()         # Of their cores, that Weir and the reference used.
    why: str = ""
    ours: bool = False

    @property
    def exact(self):
        return self.low is None


def count_figures(counts):
    for what, path in COUNTS:
        found = counts
        for name in path:
            found = found.get(name) if isinstance(found, dict) else None
        if isinstance(found, (int, float)):
            yield what, Figure(found)
        elif "weir" in counts.get(path[0], {}):
            why = counts[path[0]]["weir"].get("failed", "not measured")
            yield what, Figure(None, why=why, ours=True)


def doubt(scenario, ratio):
    why = []
    if ratio["rounds"] < targets.ROUNDS_MIN:
        why.append(f"{ratio['rounds']} rounds, {targets.ROUNDS_MIN} are needed")
    if not scenario["counts"]:
        control = scenario["control"]
        why.append(f"the control reads {control['median']:.3f}" if control else "no control")
    return "; ".join(why)


def ratio_figures(scenario):
    """Weir's against each reference."""
    if "weir" not in scenario["servers"]:
        return
    rate = scenario["metric"] == "rate"
    ours = scenario["servers"]["weir"]
    for reference, ratios in scenario["ratios"].items():
        what = f"{scenario['name']}: {'rate' if rate else 'CPU'} against {reference}"
        found = ratios.get("weir")
        if found:
            shares = tuple(scenario["servers"][name]["server_share"] for name in ("weir", reference))
            yield what, Figure(found["median"], found["low"], found["high"],
                               doubt(scenario, found), rate, shares)
        elif ours["median"] is None:
            why = ours["failed"][0] if ours["failed"] else "not measured"
            yield what, Figure(None, why=why, rate=rate, ours=True)
        else:
            yield what, Figure(None, why=f"{reference} has no figure", rate=rate)


def figures_of(result):
    found = dict(count_figures(result.get("counts", {})))
    for scenario in result["scenarios"]:
        found |= ratio_figures(scenario)
    ours = (result.get("mean") or {"servers": {}})["servers"].get("weir")
    if ours:
        found["geometric mean of CPU against raw"] = Figure(
            ours["median"], ours["low"], ours["high"], "; ".join(mean.doubts(result["mean"])))
    return found


def compare_counts(before, now):
    """Less is better."""
    if not before.value:
        return (SAME if now.value == before.value else WORSE), ""
    change = round(now.value / before.value - 1, 6)
    return (WORSE if change > COUNTS_DIFFER else BETTER if change < -COUNTS_DIFFER else SAME), ""


def other_conditions(before, now):
    """CPU per message is comparable where the core is full, or as full as it was."""
    for who, then, today in zip(("weir", "the reference"), before.shares, now.shares):
        if min(then, today) < figures.BUSY and abs(then - today) > SHARES_DIFFER:
            yield f"the core of {who} was {100 * then:.0f} % busy then, {100 * today:.0f} % now"


def compare_ratios(before, now):
    doubts = [f"{when}: {one.doubt}" for when, one in (("then", before), ("now", now)) if one.doubt]
    doubts += other_conditions(before, now)
    if doubts:
        return UNKNOWN, "; ".join(doubts)
    differ = abs(now.value / before.value - 1) > RATIOS_DIFFER
    apart = now.low > before.high or now.high < before.low
    if not differ:
        return SAME, ""
    if not apart:
        return UNKNOWN, "the intervals overlap"
    return (BETTER if (now.value > before.value) == now.rate else WORSE), ""


def compare_figure(before, now):
    if before is None:
        return UNKNOWN, "not in the baseline"
    if before.value is None:
        return UNKNOWN, f"then: {before.why}"
    if now.value is None:
        return WORSE if now.ours else UNKNOWN, f"now: {now.why}"
    return compare_counts(before, now) if now.exact else compare_ratios(before, now)


def compare(baseline, result):
    """A verdict for every figure of the result; what it did not measure is not asked for."""
    then, found = figures_of(baseline), []
    for what, now in figures_of(result).items():
        before = then.get(what)
        outcome, why = compare_figure(before, now)
        found.append({"what": what, "before": before and vars(before), "now": vars(now),
                      "verdict": outcome, "why": why})
    return found


def is_worse(comparison):
    return any(one["verdict"] == WORSE for one in comparison)


def text_of(figure):
    if not figure or figure["value"] is None:
        return "–"
    value = figure["value"]
    if figure["low"] is None:
        return f"{value:,.0f}" if value >= 1000 else f"{value:.4g}"
    return f"{value:.3f} [{figure['low']:.3f}, {figure['high']:.3f}]"


def lines(comparison):
    """For a terminal."""
    return "\n".join(f"{one['verdict']:11}  {one['what']}: {text_of(one['before'])} -> "
                     f"{text_of(one['now'])}" + (f" ({one['why']})" if one["why"] else "")
                     for one in comparison)


def main():
    if len(sys.argv) != 3:
        print("usage: against.py BASELINE.json RESULT.json", file=sys.stderr)
        return 64
    found = []
    for path in sys.argv[1:]:
        try:
            found.append(results.read(path))
        except (OSError, results.NoResult) as fault:
            print(f"against.py: {path}: {fault}", file=sys.stderr)
            return 65
    comparison = compare(*found)
    print(lines(comparison))
    return 1 if is_worse(comparison) else 0


if __name__ == "__main__":
    sys.exit(main())
