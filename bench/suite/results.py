"""The result file: one measurement of a round is one line, so that files can be compared."""

import json
import re

LATENCIES = ("p50", "p90", "p99", "p999", "max")
SERVER = ("cpu_share", "cpu_us_per_message", "cpu_s_per_gib", "cpu_s_in_all")
COLUMNS = ("round", "server", "valid", "messages", "bytes", "duration_s", "rate", "errors",
           *(f"latency_us.{name}" for name in LATENCIES), *(f"server.{name}" for name in SERVER),
           "generator.cpu_share", "machine.busy_s", "machine.syns_sent_again", "reason")


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


def one_line(match):
    return "[" + re.sub(r"\s*\n\s*", " ", match.group(1)).strip() + "]"


def to_text(result):
    scenarios = [scenario | {"columns": COLUMNS, "rounds": rows(scenario["rounds"])}
                 for scenario in result["scenarios"]]
    text = json.dumps(result | {"scenarios": scenarios}, indent=1, ensure_ascii=False)
    return re.sub(r"\[(\s*\n[^\[\]{}]*)\]", one_line, text) + "\n"
