"""Medians, ratios round by round, and how far they can be trusted."""

import random
import statistics
from dataclasses import asdict, dataclass

RESAMPLES = 4000
CONTROL_SPREAD = 0.03  # The reference against a second copy of itself must read 1.00 within this.
BUSY = 0.90            # Below this share of its core a server's CPU per message is not comparable.


@dataclass
class Ratio:
    median: float
    low: float   # Of the 95 % interval.
    high: float
    rounds: int

    def to_json(self):
        return asdict(self)


def interval(values):
    """The 95 % interval of the median, from resampling; seeded, so a table can be made again."""
    chance = random.Random(len(values))
    medians = sorted(statistics.median(chance.choices(values, k=len(values)))
                     for _ in range(RESAMPLES))
    return medians[int(0.025 * RESAMPLES)], medians[int(0.975 * RESAMPLES)]


def ratios(ours, theirs):
    """Both by round; a round in which either has no figure is left out."""
    pairs = [(ours[number], theirs[number]) for number in sorted(ours) if number in theirs]
    return [mine / other for mine, other in pairs if other]


def ratio(ours, theirs):
    """Of the rounds that have both figures. None without any."""
    values = ratios(ours, theirs)
    if not values:
        return None
    low, high = interval(values)
    return Ratio(statistics.median(values), low, high, len(values))


def geometric_mean(samples):
    """Of the medians of several lists of ratios, each resampled by itself. None if one is empty."""
    if not samples or not all(samples):
        return None
    chance = random.Random(len(samples))
    means = sorted(statistics.geometric_mean(statistics.median(chance.choices(values, k=len(values)))
                                             for values in samples) for _ in range(RESAMPLES))
    return Ratio(statistics.geometric_mean(statistics.median(values) for values in samples),
                 means[int(0.025 * RESAMPLES)], means[int(0.975 * RESAMPLES)],
                 min(len(values) for values in samples))


def median(values):
    values = list(values)
    return statistics.median(values) if values else None
