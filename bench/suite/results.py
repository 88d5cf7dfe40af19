"""The result file: one measurement of a round is one line, so that files can be compared."""

import json
import re
from pathlib import Path

LATENCIES = ("p50", "p90", "p99", "p999", "max")
SERVER = ("cpu_share", "cpu_us_per_message", "cpu_s_per_gib", "cpu_s_in_all")
COLUMNS = ("round", "server", "valid", "messages", "bytes", "duration_s", "rate", "errors",
           *(f"latency_us.{name}" for name in LATENCIES), *(f"server.{name}" for name in SERVER),
           "generator.cpu_share", "machine.busy_s", "machine.syns_sent_again", "reason")


class NoResult(Exception):
    """A file that is not a result."""


def field(answer, path):
    for name in path.split("."):
        answer = answer.get(name) if isinstance(answer, dict) else None
    return answer


def row(number, server, answer):
    if "failed" in answer:
        answer = {"valid": False, "reason": answer["failed"]}
    return [number, server, *(field(answer, path) for path in COLUMNS[2:])]


def rows(answers):
    """In the order of the rounds."""
    found = [row(number, server, answer) for server, rounds in answers.items()
             for number, answer in rounds.items()]
    return sorted(found, key=lambda line: line[0])


def answer_of(columns, line):
    """A row, without its round and server, back to what the generator answered."""
    answer = {}
    for path, value in zip(columns, line):
        first, _, rest = path.partition(".")
        if rest:
            answer.setdefault(first, {})[rest] = value
        else:
            answer[first] = value
    return answer if answer.get("rate") is not None else {"failed": answer.get("reason")}


def answers_of(scenario):
    found = {name: {} for name in scenario["servers"]}
    for line in scenario["rounds"]:
        found[line[1]][line[0]] = answer_of(scenario["columns"][2:], line[2:])
    return found


def with_tls_named(result):
    """Results of TLS alone, of older sittings, did not say so in the names of what they hold."""
    idle = result.pop("idle", None)
    if idle is None:
        return result
    for scenario in result["scenarios"]:
        scenario["name"] = f"tls-{scenario['name']}"
    result["counts"] = {f"tls_{name}".replace("-", "_"): found for name, found in idle.items()}
    return result


def read(path):
    """A result as it was before it was written."""
    try:
        result = json.loads(Path(path).read_text("utf-8"))
    except ValueError as fault:
        raise NoResult(f"this is not JSON: {fault}") from None
    if not isinstance(result, dict) or not {"date", "scenarios", "verdicts"} <= result.keys():
        raise NoResult("this is no result of ./dev bench")
    try:
        result = with_tls_named(result)
        for scenario in result["scenarios"]:
            scenario["rounds"] = answers_of(scenario)
            del scenario["columns"]
    except (AttributeError, KeyError, TypeError) as fault:
        raise NoResult(f"a scenario of it is not complete: {fault}") from None
    return result


def one_line(match):
    return "[" + re.sub(r"\s*\n\s*", " ", match.group(1)).strip() + "]"


def to_text(result):
    scenarios = [scenario | {"columns": COLUMNS, "rounds": rows(scenario["rounds"])}
                 for scenario in result["scenarios"]]
    text = json.dumps(result | {"scenarios": scenarios}, indent=1, ensure_ascii=False)
    return re.sub(r"\[(\s*\n[^\[\]{}]*)\]", one_line, text) + "\n"
