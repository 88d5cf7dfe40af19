#!/usr/bin/env python3
"""Makes the table of bench/README.md from a result, between its two markers.

usage: table.py RESULT.json [README.md]
"""

import sys
from pathlib import Path

import results
from text import grid, interval, number, percent, ratio

BEGIN = "<!-- The table: made by bench/suite/table.py, do not edit. -->"
END = "<!-- The table ends. -->"
README = Path(__file__).resolve().parent.parent / "README.md"
UNITS = {
    "cpu_us_per_message": "CPU, µs per message",
    "cpu_s_per_gib": "CPU, s per GiB",
    "rate": "per second",
    "p999_us": "p99.9, µs",
}


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


def mean_table(mean):
    if not mean:
        return ""
    rows = [[name, ratio(found), ratio(mean["weir_against"].get(name))] for name, found in
            sorted(mean["servers"].items(), key=lambda pair: pair[1]["median"])]
    off = mean["controls_off"]
    note = f"\n\nThe control is off in {', '.join(off)}: this sitting does not count." if off else ""
    return (f"**Geometric mean of the CPU per message over {', '.join(mean['loads'])}**\n\n"
            + grid(("Server", "against raw", "Weir against it"), rows) + note)


def tls_table(counts):
    rows = [[name, role, figure_of(found, "connected"), figure_of(found, "touched")]
            for key, role in (("tls_idle", "echo"), ("tls_idle_forward", "forwarder"))
            for name, found in counts.get(key, {}).items()]
    return "**Counted, user bytes of an idle TLS connection**\n\n" + grid(
        ("Server", "as", "idle bytes", "after an echo"), rows) if rows else ""


def sittings(result):
    """When and at which commit; each sitting of a result that was made of several."""
    for one in result.get("sittings", [result | result["environment"]]):
        changed = ", with changes" if one["changed"] else ""
        of = f" ({', '.join(one['measured'])})" if "measured" in one else ""
        yield f"{one['date'][:10]}, commit {one['commit'][:12]}{changed}{of}"


def preface(result):
    where = result["environment"]
    versions = ", ".join(f"{name} {version}" for name, version in where["versions"].items())
    left_out = result.get("left_out")
    return (f"{'; '.join(sittings(result))}. {where['cores']} cores "
            f"({where['cpu']}), {where['memory_gib']} GiB, {where['system']}, kernel "
            f"{where['kernel']}. {result['rounds']} rounds of {result['duration']} after "
            f"{result['warmup']}; medians of the ratios of each round, with 95 % intervals.\n\n"
            f"Versions: {versions}." + (f" Left out: {', '.join(left_out)}." if left_out else ""))


def markdown(result):
    counts = result["counts"]
    parts = [preface(result), targets_table(result["verdicts"]), mean_table(result.get("mean")),
             *(scenario_table(scenario) for scenario in result["scenarios"]),
             counts_table(counts), proxied_table(counts), tls_table(counts),
             calls_table(counts, "calls_per_echo", "System calls per echo, 50 busy connections"),
             calls_table(counts, "calls_per_life",
                         "System calls of a connection: connect, one echo, close, one at a time")]
    return "\n\n".join(part for part in parts if part)


def main():
    if len(sys.argv) not in (2, 3):
        print("usage: table.py RESULT.json [README.md]", file=sys.stderr)
        return 64
    readme = Path(sys.argv[2]) if len(sys.argv) == 3 else README
    try:
        result = results.read(sys.argv[1])
        text = readme.read_text("utf-8")
    except (OSError, results.NoResult) as fault:
        print(f"table.py: {sys.argv[1]}: {fault}", file=sys.stderr)
        return 65
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        print(f"table.py: {readme} does not have both markers once", file=sys.stderr)
        return 65
    before, after = text.partition(BEGIN)[0], text.partition(END)[2]
    readme.write_text(f"{before}{BEGIN}\n\n{markdown(result)}\n\n{END}{after}", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
