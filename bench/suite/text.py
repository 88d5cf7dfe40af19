"""Figures as text, for a terminal and for a page."""


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


def server_line(scenario, name):
    found = scenario["servers"][name]
    beside = "".join(f"  {ratio(row[name])} x {reference}"
                     for reference, row in scenario["ratios"].items() if row.get(name))
    why = f"  {found['failed'][0]}" if found["failed"] else ""
    return (f"  {name:22} {number(found['median']):>9}  core {percent(found['server_share']):>5}"
            f"  generator {percent(found['generator_share']):>5}{beside}{why}")


def servers_lines(result):
    """For a terminal: a line for each server of each scenario."""
    lines = []
    for scenario in result["scenarios"]:
        lines.append(f"{scenario['name']}: {scenario['what']}; {scenario['metric']}")
        lines += [server_line(scenario, name) for name in scenario["servers"]]
    if result.get("mean"):
        lines.append("geometric mean of CPU against raw")
        lines += [f"  {name:22} {ratio(found)}" for name, found in sorted(
            result["mean"]["servers"].items(), key=lambda pair: pair[1]["median"])]
    return "\n".join(lines)


def grid(head, rows):
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(["| " + " | ".join(head) + " |", "|" + "---|" * len(head), *lines])
