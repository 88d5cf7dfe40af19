#!/usr/bin/env python3
"""Makes a table of bench/README.md from a result of core or of tls, between its two markers.

usage: table.py RESULT.json [README.md]
"""

import json
import sys
from pathlib import Path

CORE = ("<!-- The table: made by bench/suite/table.py, do not edit. -->", "<!-- The table ends. -->")
TLS = ("<!-- The table of TLS: made by bench/suite/table.py, do not edit. -->",
       "<!-- The table of TLS ends. -->")
README = Path(__file__).resolve().parent.parent / "README.md"
UNITS = {
    "cpu_us_per_message": "CPU, µs per message",
    "cpu_s_per_gib": "CPU, s per GiB",
    "rate": "per second",
}


def number(value):
    if value is None:
        return "–"
    if isinstance(value, int) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"


def percent(share):
    return "–" if share is None else f"{100 * share:.0f} %"


def ratio(found):
    if not found:
        return "–"
    return f"{found['median']:.2f} [{found['low']:.2f}, {found['high']:.2f}]"


def interval(verdict):
    return f" [{verdict['low']:.2f}, {verdict['high']:.2f}]" if "low" in verdict else ""


def verdict_lines(verdicts):
    """For a terminal."""
    lines = []
    for one in verdicts:
        why = f" ({one['why']})" if one["why"] else ""
        lines.append(f"{one['verdict']:8}  {one['target']:>5}  {one['what']}: "
                     f"{number(one['figure'])}{interval(one)}, bar {one['bar']}{why}")
    return "\n".join(lines)


def grid(head, rows):
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(["| " + " | ".join(head) + " |", "|" + "---|" * len(head), *lines])


def targets_table(verdicts):
    rows = [[one["target"], one["what"], one["bar"], number(one["figure"]) + interval(one),
             one["verdict"] + (f": {one['why']}" if one["why"] else "")] for one in verdicts]
    return grid(("Target", "What", "Bar", "Figure", "Verdict"), rows)


def scenario_table(scenario):
    references = list(scenario["ratios"])
    head = ("Server", UNITS[scenario["metric"]], *(f"against {name}" for name in references),
            "its core", "generator")
    rows = [[name, number(found["median"]),
             *(ratio(scenario["ratios"][reference].get(name)) if reference != name else "1"
               for reference in references),
             percent(found["server_share"]), percent(found["generator_share"])]
            for name, found in scenario["servers"].items()]
    note = "" if scenario["counts"] else "\n\nThe control is off: this sitting does not count."
    return f"**{scenario['what'][0].upper()}{scenario['what'][1:]}**\n\n{grid(head, rows)}{note}"


def figure_of(found, *names):
    for name in names:
        found = found.get(name) if isinstance(found, dict) else None
    return number(found if isinstance(found, (int, float)) else None)


def counts_table(counts):
    columns = (("instructions per echo", ("instructions",), ()),
               ("calls per echo", ("calls_per_echo",), ("total",)),
               ("calls per connection", ("calls_per_life",), ("total",)),
               ("idle bytes", ("idle",), ("connected",)),
               ("after an echo", ("idle",), ("touched",)))
    columns = [column for column in columns if column[1][0] in counts]
    if not columns:
        return ""
    names = list(dict.fromkeys(name for _, (key,), _ in columns for name in counts[key]))
    rows = [[name, *(figure_of(counts[key], name, *rest) for _, (key,), rest in columns)]
            for name in names]
    return "**Counted, for one echo server**\n\n" + grid(
        ("Server", *(title for title, _, _ in columns)), rows)


def proxied_table(counts):
    if "idle_proxied" not in counts:
        return ""
    rows = [[name, figure_of(found, "connected"), figure_of(found, "touched")]
            for name, found in counts["idle_proxied"].items()]
    return "**Counted, user bytes of an idle proxied connection**\n\n" + grid(
        ("Forwarder", "idle bytes", "after an echo"), rows)


def calls_table(counts, key, title):
    found = {name: calls["calls"] for name, calls in counts.get(key, {}).items() if "calls" in calls}
    if not found:
        return ""
    names = sorted({call for calls in found.values() for call in calls},
                   key=lambda call: -max(calls.get(call, 0) for calls in found.values()))
    rows = [[f"`{call}`", *(f"{calls[call]:.2f}" if call in calls else "" for calls in
                            found.values())] for call in names]
    return f"**{title}**\n\n" + grid(("Call", *found), rows)


def preface(result):
    where = result["environment"]
    versions = ", ".join(f"{name} {version}" for name, version in where["versions"].items())
    changed = ", with changes" if where["changed"] else ""
    return (f"{result['date'][:10]}, commit {where['commit'][:12]}{changed}. {where['cores']} cores "
            f"({where['cpu']}), {where['memory_gib']} GiB, {where['system']}, kernel "
            f"{where['kernel']}. {result['rounds']} rounds of {result['duration']} after "
            f"{result['warmup']}; medians of the ratios of each round, with 95 % intervals.\n\n"
            f"Versions: {versions}.")


def markdown(result):
    counts = result["counts"]
    parts = [preface(result), targets_table(result["verdicts"]),
             *(scenario_table(scenario) for scenario in result["scenarios"]),
             counts_table(counts), proxied_table(counts),
             calls_table(counts, "calls_per_echo", "System calls per echo, 50 busy connections"),
             calls_table(counts, "calls_per_life",
                         "System calls of a connection: connect, one echo, close, one at a time")]
    return "\n\n".join(part for part in parts if part)


def idle_table(idle):
    rows = [[name, "as a forwarder" if kind == "idle-forward" else "as an echo server",
             figure_of(found, "touched")]
            for kind, servers in idle.items() for name, found in servers.items()]
    return "**Counted, user bytes of an idle TLS connection after an echo**\n\n" + grid(
        ("Server", "", "bytes"), rows) if rows else ""


def tls_markdown(result):
    parts = [preface(result), targets_table(result["verdicts"]),
             *(scenario_table(scenario) for scenario in result["scenarios"]),
             idle_table(result["idle"])]
    return "\n\n".join(part for part in parts if part)


def main():
    if len(sys.argv) not in (2, 3):
        print("usage: table.py RESULT.json [README.md]", file=sys.stderr)
        return 64
    result = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    readme = Path(sys.argv[2]) if len(sys.argv) == 3 else README
    text = readme.read_text("utf-8")
    (begin, end), made = (TLS, tls_markdown) if "idle" in result else (CORE, markdown)
    if text.count(begin) != 1 or text.count(end) != 1:
        print(f"table.py: {readme} does not have both markers once", file=sys.stderr)
        return 65
    before, after = text.partition(begin)[0], text.partition(end)[2]
    readme.write_text(f"{before}{begin}\n\n{made(result)}\n\n{end}{after}", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
