"""One figure for each echo server: the geometric mean of its CPU per message against raw."""

import figures
import rounds
from scenarios import MEAN
from targets import FAIL, PASS, REPORTED, ROUNDS_MIN, verdict

REFERENCE, CONTROL = "raw", "raw again"
BY_HAND = (REFERENCE, CONTROL, "libev")  # May cost less than Weir.
WHAT = "geometric mean of CPU against raw over echo at 50, 1,000 and 10,000 connections, depth 16, " \
       "16 KiB and churn"
BAR = "lowest but for raw and libev"


def by_round(scenario):
    return {name: rounds.values(scenario["metric"], answers)
            for name, answers in scenario["rounds"].items()}


def of(loads, ours, theirs):
    """The mean over all loads; None for a server that does not have a figure in each of them."""
    return figures.geometric_mean([figures.ratios(load.get(ours, {}), load.get(theirs, {}))
                                   for load in loads])


def compute(scenarios):
    """Of a result; None unless raw was measured under all loads."""
    found = {scenario["name"]: scenario for scenario in scenarios if scenario["name"] in MEAN}
    loads = [by_round(found[name]) for name in MEAN if name in found]
    if len(loads) < len(MEAN) or not all(load.get(REFERENCE) for load in loads):
        return None
    servers = {name: of(loads, name, REFERENCE) for name in loads[0] if name != REFERENCE}
    servers = {name: ratio for name, ratio in servers.items() if ratio}
    beside = {name: of(loads, "weir", name) for name in servers
              if name not in (*BY_HAND, "weir") and "weir" in servers}
    return {"loads": list(MEAN), "reference": REFERENCE,
            "controls_off": [name for name in MEAN if not found[name]["counts"]],
            "servers": {name: ratio.to_json() for name, ratio in servers.items()},
            "weir_against": {name: ratio.to_json() for name, ratio in beside.items()}}


def doubts(mean):
    rounds_taken = mean["servers"]["weir"]["rounds"]
    if rounds_taken < ROUNDS_MIN:
        yield f"{rounds_taken} rounds, {ROUNDS_MIN} are needed"
    if mean["controls_off"]:
        yield f"the control is off in {', '.join(mean['controls_off'])}"


def judge(mean):
    """Missed where another one is surely lower, round by round. Loads that do not fill a core count."""
    if mean is None:
        return []
    ours = mean["servers"].get("weir")
    if ours is None:
        return [verdict("mean", WHAT, BAR, None, REPORTED, "weir has no figure in one of them")]
    lower = [name for name, ratio in mean["weir_against"].items() if ratio["low"] > 1]
    perhaps = [name for name, ratio in mean["weir_against"].items()
               if ratio["median"] > 1 and name not in lower]
    why = list(doubts(mean)) + ([] if mean["weir_against"] else ["there is nobody to compare with"])
    outcome = REPORTED if why else FAIL if lower else PASS
    if lower:
        why.append(f"lower: {', '.join(lower)}")
    if perhaps:
        why.append(f"perhaps lower: {', '.join(perhaps)}")
    return [verdict("mean", WHAT, BAR, ours["median"], outcome, "; ".join(why), low=ours["low"],
                    high=ours["high"])]
