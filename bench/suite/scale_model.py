#!/usr/bin/env python3
"""What many connections cost, fitted on few: a prediction for a million, and how far off it is.

usage: scale_model.py RESULT.json... [--fit-most N] [--at N] [--table]

The results are of bench/scale.sh. Least squares over those with at most --fit-most connections
(100,000); the prediction is for --at (1,000,000), beside the median of what was measured there.
With --table it only shows what was measured.
"""

import argparse
import json
import math
import statistics
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

import results
import text


@dataclass
class Figure:
    """`of` takes it from a result; it is a sum of `terms`, with a factor for each to be found."""

    name: str
    unit: str
    of: Callable
    terms: tuple
    law: str


def one(_):
    return 1.0


def connections(run):
    return float(run["connections"])


def growing(run):
    """Of connections each of which costs more than the one before, as less of them is in caches."""
    return connections(run) * math.log(connections(run))


def held_ratio(name):
    return lambda run: run["echo"][name]["ratio"]["median"] if run["echo"] else None


def cpu_to_connect(run):
    return sum(run["connect"]["cpu_us"].values()) * connections(run) / 1e6


def grown(name):
    return lambda run: run["memory"]["growth"][name]["bytes"] / 1e6


LINE = "a + b N"
FIGURES = (
    Figure("kernel memory, both ends", "MB", grown("kernel"), (one, connections), LINE),
    Figure("user memory of the servers", "MB", grown("servers"), (one, connections), LINE),
    Figure("user memory of the generator", "MB", grown("generator"), (one, connections), LINE),
    Figure("CPU to connect, both ends", "s", cpu_to_connect, (one, connections), LINE),
    Figure("time to connect", "s", lambda run: run["connect"]["seconds"], (one, connections), LINE),
    Figure("CPU to connect, growing", "s", cpu_to_connect, (connections, growing), "N (b + c ln N)"),
    Figure("time to connect, growing", "s", lambda run: run["connect"]["seconds"],
           (connections, growing), "N (b + c ln N)"),
    Figure("an echo among them, against alone", "x", held_ratio("among"), (one,), "a"),
    Figure("an echo apart, against alone", "x", held_ratio("apart"), (one,), "a"),
)


def solve(matrix, right):
    """Gauss, with the largest pivot; the systems have one to three unknowns."""
    rows = [list(row) + [value] for row, value in zip(matrix, right)]
    size = len(rows)
    for column in range(size):
        pivot = max(range(column, size), key=lambda index: abs(rows[index][column]))
        if rows[pivot][column] == 0:
            raise ValueError("the results are too few or too alike for this fit")
        rows[column], rows[pivot] = rows[pivot], rows[column]
        for index in range(size):
            if index != column:
                factor = rows[index][column] / rows[column][column]
                rows[index] = [a - factor * b for a, b in zip(rows[index], rows[column])]
    return [rows[index][size] / rows[index][index] for index in range(size)]


def fit(figure, runs):
    """The factors of the terms for which the sum of squared deviations is least."""
    rows = [[term(run) for term in figure.terms] for run in runs]
    values = [figure.of(run) for run in runs]
    normal = [[sum(row[i] * row[j] for row in rows) for j in range(len(figure.terms))]
              for i in range(len(figure.terms))]
    return solve(normal, [sum(row[i] * value for row, value in zip(rows, values))
                          for i in range(len(figure.terms))])


def line_of(figure, runs, at, measured):
    usable = [run for run in runs if figure.of(run) is not None]
    if len(usable) < len(figure.terms):
        return f"| {figure.name} | {figure.law} | – | too few results | – | – |"
    factors = fit(figure, usable)
    there = {"connections": at}
    predicted = sum(factor * term(there) for factor, term in zip(factors, figure.terms))
    said = ", ".join(f"{factor:.4g}" for factor in factors)
    found = [value for value in map(figure.of, measured) if value is not None]
    if not found:
        return f"| {figure.name} | {figure.law} | {said} | {predicted:,.4g} {figure.unit} | – | – |"
    real = statistics.median(found)
    return (f"| {figure.name} | {figure.law} | {said} | {predicted:,.4g} {figure.unit} | "
            f"{real:,.4g} {figure.unit} | {100 * (predicted / real - 1):+.1f} % |")


def row_of(run):
    growth, connect = run["memory"]["growth"], run["connect"]
    return [f"{run['connections']:,}", f"{run['servers']}",
            *(f"{growth[name]['per_connection']:,.0f}" for name in
              ("servers", "generator", "kernel", "kernel_by_difference")),
            f"{connect['seconds']:.2f}", f"{connect['last_to_first']:.2f}",
            f"{connect['cpu_us']['servers']:.1f} + {connect['cpu_us']['generator']:.1f}",
            *(text.ratio(run["echo"].get(name, {}).get("ratio")) for name in ("among", "apart"))]


HEAD = ("N", "servers", "user B", "generator B", "kernel B", "by difference", "connecting, s",
        "last tenth to first", "CPU µs, servers + generator", "echo among", "echo apart")


def read(path):
    run = json.loads(path.read_text("utf-8"))
    if run.get("kind") != "scale" or not run["valid"]:
        raise results.NoResult("this is not a valid result of bench/scale.sh")
    return run


def main():
    parser = argparse.ArgumentParser(usage=__doc__.splitlines()[2].removeprefix("usage: "))
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--fit-most", type=int, default=100_000)
    parser.add_argument("--table", action="store_true")
    parser.add_argument("--at", type=int, default=1_000_000)
    chosen = parser.parse_args()
    runs = []
    for path in chosen.files:
        try:
            runs.append(read(path))
        except (OSError, ValueError, KeyError, results.NoResult) as fault:
            print(f"scale_model.py: {path}: {fault}", file=sys.stderr)
            return 65
    runs.sort(key=lambda run: run["connections"])
    if chosen.table:
        print(text.grid(HEAD, [row_of(run) for run in runs]))
        return 0
    few = [run for run in runs if run["connections"] <= chosen.fit_most]
    measured = [run for run in runs if run["connections"] == chosen.at and run not in few]
    told = ", ".join(f"{run['connections']:,}" for run in few)
    print(f"fitted on {told or 'nothing'}\n\n"
          f"| Figure | Law | Factors | For {chosen.at:,} | Measured | Off by |\n" + "|---" * 6 + "|")
    for figure in FIGURES:
        print(line_of(figure, few, chosen.at, measured))
    return 0


if __name__ == "__main__":
    sys.exit(main())
