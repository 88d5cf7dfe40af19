"""Results that are made up, for the checks of the suite; and how they say what is kept.

The folder of the suite is the first argument of the program that imports this.
"""
import sys
from pathlib import Path

SUITE = Path(sys.argv[1])
sys.path.insert(0, str(SUITE))
sys.dont_write_bytecode = True

import mean  # noqa: E402
import results  # noqa: E402
import rounds  # noqa: E402
import scenarios  # noqa: E402

ROUNDS = 15
faults = []


def check(what, holds):
    print(("kept: " if holds else "BROKEN: ") + what)
    if not holds:
        faults.append(what)


def answer(cost, metric, share):
    one = {"valid": True, "messages": 1000, "rate": cost, "server": {"cpu_share": share},
           "generator": {"cpu_share": 0.9}, "reason": "", "machine": {"syns_sent_again": 0}}
    if metric != "rate":
        one["server"][metric] = cost
    return one


def sitting(ours, spread=0.01, again=1.0, many=ROUNDS, share=0.95, scenario=scenarios.SCENARIOS[0],
            **others):
    """Raw costs 1 (or has that rate), the others so much; each round a bit more or less."""
    costs = {"raw": 1.0, "raw again": again, "weir": ours} | others
    wobble = [1 + spread * ((7 * number % many) / many - 0.5) for number in range(many)]
    return rounds.summary(scenario, {
        name: {number: answer(cost * (wobble[number - 1] if name == "weir" else 1), scenario.metric,
                              share) if cost else {"failed": "it fell over"}
               for number in range(1, many + 1)}
        for name, cost in costs.items()})


def result(*found, counts=None):
    return {"date": "2026-01-01T00:00:00+00:00", "rounds": ROUNDS, "scenarios": list(found),
            "environment": {"commit": "0" * 40, "changed": False, "versions": {}},
            "counts": counts or {}, "verdicts": [], "mean": mean.compute(found)}


def all_loads(ours, **others):
    """What the geometric mean is formed over."""
    return [sitting(ours, scenario=scenario, **others) for scenario in scenarios.SCENARIOS
            if scenario.name in scenarios.MEAN]


def written(path, one):
    path.write_text(results.to_text(one), encoding="utf-8")
    return path
