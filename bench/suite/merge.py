#!/usr/bin/env python3
"""Makes one result of several sittings; of what more than one measured, the last named counts.

usage: merge.py RESULT.json... OUTPUT.json

The environment is that of the last; `sittings` tells date, commit and command of each. Verdicts are
formed anew.
"""

import sys
from pathlib import Path

import mean
import results
import targets


def sitting_of(result):
    where = result["environment"]
    return {"date": result["date"], "commit": where["commit"], "changed": where["changed"],
            "rounds": result["rounds"], "measured": measured(result)}


def measured(result):
    return sorted(result.get("counts", {})) + [one["name"] for one in result["scenarios"]]


def merge(found):
    merged = dict(found[-1])
    counts, scenarios, versions = {}, {}, {}
    for result in found:
        for key, servers in result.get("counts", {}).items():
            counts[key] = counts.get(key, {}) | servers
        scenarios |= {one["name"]: one for one in result["scenarios"]}
        versions |= {name: version for name, version in result["environment"]["versions"].items()
                     if version != "not installed" or name not in versions}
    merged |= {"sittings": [sitting_of(result) for result in found], "counts": counts,
               "scenarios": list(scenarios.values()), "mean": mean.compute(scenarios.values())}
    merged["environment"] = found[-1]["environment"] | {"versions": versions}
    merged["verdicts"] = targets.judge(merged) + mean.judge(merged["mean"])
    merged["left_out"] = sorted({name for result in found for name in result.get("left_out", [])})
    merged.pop("against", None)
    return merged


def main():
    if len(sys.argv) < 3:
        print("usage: merge.py RESULT.json... OUTPUT.json", file=sys.stderr)
        return 64
    found = []
    for path in sys.argv[1:-1]:
        try:
            found.append(results.read(path))
        except (OSError, results.NoResult) as fault:
            print(f"merge.py: {path}: {fault}", file=sys.stderr)
            return 65
    Path(sys.argv[-1]).write_text(results.to_text(merge(found)), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
