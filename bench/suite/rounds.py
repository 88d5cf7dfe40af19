"""A sitting: every server of a scenario once per round, in another order each time."""

import random

import figures
import load
import machine
import servers


def measure(build, scenario, contestant, pace):
    """One server, fresh, under the scenario's load. Returns the generator's answer."""
    options = dict(scenario.options)
    if scenario.timed:
        options |= {"duration": pace.duration, "warmup": pace.warmup}
    backend = machine.free_port() if scenario.behind else None
    busy, again = machine.busy_seconds(), machine.syns_sent_again()
    with servers.Server(contestant, backend) as server:
        before = machine.cpu_seconds(server.pids)
        answer = load.run(build, scenario.load, server, options, backend, scenario.processes)
        answer["server"]["cpu_s_in_all"] = round(machine.cpu_seconds(server.pids) - before, 2)
    answer["machine"] = {"busy_s": round(machine.busy_seconds() - busy, 2),
                         "syns_sent_again": machine.syns_sent_again() - again}
    return answer


def sit(build, scenario, contestants, pace, tell):
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


def value(scenario, answer):
    """The figure of one measurement, or None where it is none."""
    if "failed" in answer or not answer.get("valid", False):
        return None
    if scenario.metric == "rate":
        return answer["rate"]
    return answer["server"].get(scenario.metric)


def values(scenario, rounds):
    found = {number: value(scenario, answer) for number, answer in rounds.items()}
    return {number: figure for number, figure in found.items() if figure}


def share(answers, part):
    return figures.median(answer[part]["cpu_share"] for answer in answers.values()
                          if "failed" not in answer)


def summary(scenario, answers):
    """What the table and the verdicts are made from."""
    by_round = {name: values(scenario, rounds) for name, rounds in answers.items()}
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
                              if value(scenario, answer) is None}),
        } for name in answers},
        "ratios": {reference: {name: found and found.to_json() for name, found in row.items()}
                   for reference, row in ratios.items()},
        "rounds": answers,
    }
