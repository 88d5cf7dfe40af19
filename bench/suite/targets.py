"""The bars Weir has to clear, and the verdict on each: PASS, FAIL, or REPORTED where a figure is no
ground for a verdict."""

from dataclasses import dataclass

import figures

ROUNDS_MIN = 15           # A timing with fewer is not judged.
PASS, FAIL, REPORTED = "PASS", "FAIL", "REPORTED"


@dataclass
class Bar:
    target: str
    scenario: str
    reference: str
    most: float         # Our figure, in units of the reference's.
    rate: bool = False  # The figure is a rate, and this the least.
    busy: bool = True   # Judged only where the cores of both servers were.


BARS = (
    Bar("1", "echo-64-50", "raw", 1.05),
    Bar("1", "echo-64-1000", "raw", 1.05),
    Bar("1", "echo-64-10000", "raw", 1.05),
    Bar("1", "echo-64-50-deep", "raw", 1.05),
    Bar("4", "echo-16k-50", "raw", 1.05),
    Bar("6", "churn", "raw", 1.06),
    Bar("17", "rate-40000", "raw", 1.08),
    Bar("17", "rate-40000-tail", "raw", 1.25, busy=False),
    Bar("12", "forward-64-1000", "rinetd", 0.97),
    Bar("12", "forward-64-1000", "haproxy", 0.80),
    Bar("13", "forward-up-4", "haproxy, splice", 0.65),
    Bar("13", "forward-down-4", "haproxy, splice", 0.65),
    Bar("13", "forward-up-200", "haproxy, splice", 0.65),
    Bar("13", "forward-down-200", "haproxy, splice", 0.65),
    Bar("15", "fanout-100", "raw", 0.95, True),
    Bar("15", "fanout-1000", "raw", 0.95, True),
    Bar("16", "fanout-1000-deep", "raw", 8.0, True),
    Bar("15", "fanout-1000-stalled", "raw", 0.95, True),
    Bar("mix", "forward-mix", "rinetd", 1.00),
    Bar("mix", "forward-mix", "haproxy", 1.00),
    Bar("mix", "forward-mix", "haproxy, splice", 1.00),
    # The client pays as much for TLS as the server: judged whatever the share.
    Bar("TLS", "tls-full", "raw", 1.00, busy=False),
    Bar("TLS", "tls-resumed", "raw", 1.00, busy=False),
    Bar("TLS", "tls-echo-64", "raw", 1.00, busy=False),
    Bar("TLS", "tls-bulk", "raw", 0.95, busy=False),
    Bar("TLS", "tls-forward-full", "nginx", 0.95, busy=False),
    Bar("TLS", "tls-forward-full", "haproxy", 0.95, busy=False),
    Bar("TLS", "tls-forward-echo-64", "nginx", 0.95, busy=False),
    Bar("TLS", "tls-forward-echo-64", "haproxy", 0.95, busy=False),
)

# Counts: target, what, where the figure stands in the result, bar.
COUNT_BARS = (
    ("2", "user instructions per echo", ("instructions", "weir"), 300),
    ("3", "system calls per echo, 50 busy connections", ("calls_per_echo", "weir", "total"), 2.05),
    ("5", "user bytes of an idle connection", ("idle", "weir", "connected"), 400),
    ("5", "user bytes of an idle connection after an echo", ("idle", "weir", "touched"), 400),
    ("14", "user bytes of an idle proxied connection",
     ("idle_proxied", "weir", "connected"), 1000),
    ("14", "user bytes of an idle proxied connection after an echo",
     ("idle_proxied", "weir", "touched"), 1000),
    ("raw", "user instructions per echo of the raw baseline", ("instructions", "raw"), 100),
    ("raw", "system calls per echo of the raw baseline", ("calls_per_echo", "raw", "total"), 2.03),
    ("libuv", "user instructions per echo of libuv by hand", ("instructions", "libuv"), 320),
    ("TLS", "user bytes of an idle TLS connection after an echo",
     ("tls_idle", "weir", "touched"), 15_000),
    ("TLS", "user bytes of an idle TLS connection after an echo, raw",
     ("tls_idle", "raw", "touched"), 15_200),
)


def verdict(target, what, bar, figure, outcome, why="", **more):
    return {"target": target, "what": what, "bar": bar, "figure": figure, "verdict": outcome,
            "why": why} | more


def doubts(scenario, bar, rounds):
    """Why this ratio is reported and not judged."""
    if rounds < ROUNDS_MIN:
        yield f"{rounds} rounds, {ROUNDS_MIN} are needed"
    control = scenario["control"]
    if control is None:
        yield "there is no control"
    elif not scenario["counts"]:
        yield f"the control reads {control['median']:.3f}"
    for name in ("weir", bar.reference) if bar.busy else ():
        share = scenario["servers"][name]["server_share"]
        if share is None or share < figures.BUSY:
            yield f"{name}: its core was {100 * (share or 0):.0f} % busy"


def judge_ratio(bar, scenario):
    measured = {"rate": "rate", "p999_us": "latency"}.get(scenario["metric"], "CPU")
    what = f"{scenario['what']}: {measured} against {bar.reference}"
    found = scenario["ratios"].get(bar.reference, {}).get("weir")
    text = f"{'≥' if bar.rate else '≤'} {bar.most:.2f}"
    if found is None:
        return no_ratio(bar.target, what, text, scenario, bar.reference)
    why = "; ".join(doubts(scenario, bar, found["rounds"]))
    missed = found["high"] < bar.most if bar.rate else found["low"] > bar.most
    outcome = FAIL if missed else PASS
    if why:
        why += "" if outcome == PASS else "; it would not pass"
        outcome = REPORTED
    elif outcome == PASS and (found["median"] < bar.most if bar.rate else
                              found["median"] > bar.most):
        why = "its interval reaches the bar"
    return verdict(bar.target, what, text, found["median"], outcome, why, low=found["low"],
                   high=found["high"])


def no_ratio(target, what, bar, scenario, reference):
    """Weir has to have a figure; that its reference has none is not its fault."""
    for name, outcome in (("weir", FAIL), (reference, REPORTED)):
        found = scenario["servers"].get(name)
        if found is None or found["median"] is None:
            why = found["failed"][0] if found and found["failed"] else "not measured"
            return verdict(target, what, bar, None, outcome, f"{name}: {why}")
    return verdict(target, what, bar, None, REPORTED, "no round has both figures")


def syns_sent_again(scenario, name):
    return sum(answer["machine"]["syns_sent_again"] for answer in scenario["rounds"][name].values()
               if "failed" not in answer)


def judge_storm(scenario):
    """The rate is reported only; SYNs sent again, which make a tail of seconds, are judged."""
    what = f"{scenario['what']}: rate against raw"
    found = scenario["ratios"].get("raw", {}).get("weir")
    if found is None:
        yield no_ratio("7", what, "≥ 0.95", scenario, "raw")
        return
    yield verdict("7", what, "≥ 0.95", found["median"], REPORTED, low=found["low"],
                  high=found["high"])
    again, of_raw = (syns_sent_again(scenario, name) for name in ("weir", "raw"))
    outcome = PASS if again == 0 else REPORTED if of_raw else FAIL
    why = f"and {of_raw} with raw: the machine had no time" if again and of_raw else ""
    yield verdict("7", f"{scenario['what']}: SYNs sent again in all rounds", "≤ 0", again, outcome,
                  why)


def judge_count(counts, target, what, path, most):
    if path[1] not in counts.get(path[0], {}):
        return None
    figure = counts
    for name in path:
        figure = figure.get(name) if isinstance(figure, dict) else None
    if figure is None:
        why = counts[path[0]][path[1]]
        why = why.get("failed", "not measured") if isinstance(why, dict) else "not measured"
        return verdict(target, what, f"≤ {most}", None, FAIL, why)
    return verdict(target, what, f"≤ {most}", figure, PASS if figure <= most else FAIL)


def judge_held(held):
    what = f"{held.get('connections', '19,000'):,} connections in one process, all answered"
    if "failed" in held:
        return verdict("8", what, "0 errors", None, FAIL, held["failed"])
    fine = held["valid"] and held["errors"] == 0
    return verdict("8", what, "0 errors", held["errors"], PASS if fine else FAIL, held["reason"])


def judge(result):
    """Every verdict for which there is a measurement."""
    scenarios = {scenario["name"]: scenario for scenario in result["scenarios"]
                 if "weir" in scenario["servers"]}
    counts = result["counts"]
    found = [judge_ratio(bar, scenarios[bar.scenario]) for bar in BARS if bar.scenario in scenarios]
    if "storm" in scenarios:
        found += judge_storm(scenarios["storm"])
    found += filter(None, (judge_count(counts, *bar) for bar in COUNT_BARS))
    if "weir" in counts.get("held", {}):
        found.append(judge_held(counts["held"]["weir"]))
    return found
