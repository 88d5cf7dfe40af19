"""A sitting: every server of a scenario once per round, in another order each time."""

import random
import time

import figures
import load
import machine
import servers
from progress import tell

FORKS_END = 2  # Seconds that children have to end after their connections have.


def options_of(scenario, contestant, pace):
    options = dict(scenario.options)
    if scenario.timed:
        warmup = ("0ms" if contestant.forks else
                  pace.long_warmup if contestant.compiles else pace.warmup)
        options |= {"duration": pace.duration, "warmup": warmup}
    return options


def wait_for_forks(server):
    """The CPU time of a child is complete when it has ended."""
    limit = time.monotonic() + FORKS_END
    while len(server.pids) > 1 and time.monotonic() < limit:
        time.sleep(0.01)


def count_forks(answer, seconds):
    """The CPU time of all that was forked, from its start on, in place of what the generator saw."""
    share = seconds / answer["duration_s"]
    answer["server"] |= {"cpu_share": round(share, 4)}
    if answer["messages"]:
        answer["server"]["cpu_us_per_message"] = round(1e6 * seconds / answer["messages"], 4)
    if answer["bytes"]:
        answer["server"]["cpu_s_per_gib"] = round(seconds * 2**30 / answer["bytes"], 4)


def measure(build, scenario, contestant, pace):
    """One server, fresh, under the scenario's load. Returns the generator's answer."""
    options = options_of(scenario, contestant, pace)
    backend = machine.free_port() if scenario.behind else None
    busy, again = machine.busy_seconds(), machine.syns_sent_again()
    with servers.Server(contestant, backend) as server:
        before = machine.cpu_seconds(server.pids)
        answer = load.run(build, scenario.load, server, options, backend, scenario.processes)
        if contestant.forks:
            wait_for_forks(server)
        seconds = machine.cpu_seconds(server.pids) - before
        answer["server"]["cpu_s_in_all"] = round(seconds, 2)
        if contestant.forks:
            count_forks(answer, seconds)
    answer["machine"] = {"busy_s": round(machine.busy_seconds() - busy, 2),
                         "syns_sent_again": machine.syns_sent_again() - again}
    return answer


def sit(build, scenario, contestants, pace):
    """Returns {server: {round: answer or {"failed": why}}}."""
    names = [name for name in scenario.servers if name in contestants]
    answers = {name: {} for name in names}
    chance = random.Random(scenario.name)
    for number in range(1, pace.rounds + 1):
        for name in chance.sample(names, len(names)):
            tell(f"{scenario.name}: round {number} of {pace.rounds}: {name}")
            try:
                answers[name][number] = measure(build, scenario, contestants[name], pace)
            except (load.LoadError, servers.ServerError) as fault:
                answers[name][number] = {"failed": str(fault)}
    return answers


def value(metric, answer):
    """The figure of one measurement, or None where it is none."""
    if "failed" in answer or not answer.get("valid", False):
        return None
    if metric == "rate":
        return answer["rate"]
    if metric == "p999_us":
        return answer["latency_us"]["p999"]
    return answer["server"].get(metric)


def values(metric, rounds):
    found = {number: value(metric, answer) for number, answer in rounds.items()}
    return {number: figure for number, figure in found.items() if figure}


def share(answers, part):
    return figures.median(answer[part]["cpu_share"] for answer in answers.values()
                          if "failed" not in answer)


def summary(scenario, answers):
    """What the table and the verdicts are made from."""
    by_round = {name: values(scenario.metric, rounds) for name, rounds in answers.items()}
    ratios = {}
    for reference in scenario.references:
        if reference in by_round:
            ratios[reference] = {name: figures.ratio(by_round[name], by_round[reference])
                                 for name in by_round if name != reference}
    control = ratios.get(scenario.reference, {}).get(scenario.control)
    counts = control is not None and abs(control.median - 1) <= figures.CONTROL_SPREAD
    return {
        "name": scenario.name,
        "what": scenario.what,
        "metric": scenario.metric,
        "reference": scenario.reference,
        "counts": counts,
        "control": control and control.to_json(),
        "servers": {name: {
            "median": figures.median(by_round[name].values()),
            "server_share": share(answers[name], "server"),
            "generator_share": share(answers[name], "generator"),
            "failed": sorted({answer.get("failed") or answer.get("reason") or "invalid"
                              for answer in answers[name].values()
                              if value(scenario.metric, answer) is None}),
        } for name in answers},
        "ratios": {reference: {name: found and found.to_json() for name, found in row.items()}
                   for reference, row in ratios.items()},
        "rounds": answers,
    }


def take(chosen, scenario, contestants):
    return summary(scenario, sit(chosen.build, scenario, contestants, chosen.pace))
