"""Runs the generator and reads the line it prints."""

import json
import subprocess

import machine

PATIENCE = 90  # Seconds beyond the time measured: opening 10,000 connections takes some.


class LoadError(Exception):
    """The generator has no figure to offer."""


# Streams go up or down.
WAYS = {"send": ("bulk",), "receive": ("bulk", "--way", "down")}


def arguments(build, scenario, server, options, backend):
    words = [str(build / "bin" / "weir"), "bench", *WAYS.get(scenario, (scenario,)), server.url, "--json",
             "--server-pid", ",".join(str(pid) for pid in server.pids),
             "--cpu", str(machine.LOAD_CORE)]
    if backend is not None:
        words += ["--backend", f"tcp://127.0.0.1:{backend}"]
    for name, value in options.items():
        words += [f"--{name}"] if value is None else [f"--{name}", str(value)]
    return words


def answer(process):
    try:
        output, errors = process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise LoadError(f"the generator took more than {PATIENCE} s") from None
    try:
        line = json.loads(output)
        # Where the generator was the limit, the server's CPU for each message is what it is all the same;
        # how busy both were is judged by the suite.
        line["valid"] = line["valid"] or line["limited_by"] == "generator"
        return line
    except ValueError:
        raise LoadError(f"the generator ended with {process.returncode}: {errors.strip()}") from None


def run(build, scenario, server, options, backend=None, processes=1):
    """One measurement by so many generators at once, as one answer."""
    words = arguments(build, scenario, server, options, backend)
    running = [subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True) for _ in range(processes)]
    answers, faults = [], []
    for process in running:
        try:
            answers.append(answer(process))
        except LoadError as fault:
            faults.append(str(fault))
    if faults:
        raise LoadError(faults[0])
    return answers[0] if processes == 1 else together(answers)


def together(answers):
    """Generators that ran side by side: each saw the server's CPU, but only its own messages."""
    merged = dict(answers[0])
    for name in ("connections", "messages", "bytes", "rate", "errors"):
        merged[name] = sum(one[name] for one in answers)
    merged["valid"] = all(one["valid"] for one in answers)
    merged["reason"] = "; ".join(one["reason"] for one in answers if one["reason"])
    merged["latency_us"] = {name: max(one["latency_us"][name] for one in answers)
                            for name in answers[0]["latency_us"]}
    merged["generator"] = {"cpu_share": sum(one["generator"]["cpu_share"] for one in answers)}
    share = sum(one["server"]["cpu_share"] for one in answers) / len(answers)
    merged["server"] = {"cpu_share": share, "cpu_us_per_message": 1e6 * share / merged["rate"]}
    return merged
