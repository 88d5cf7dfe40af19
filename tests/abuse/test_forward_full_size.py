"""The forwarder's cases in the sizes and times of their specification. A quarter of an hour."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "clients"))

# pylint: disable=wrong-import-position
import kit
import test_forward_backends
import test_forward_cases
import test_forward_splice
import test_forward_stalls
from forward_kit import InCopy, InSplice


class Stalls(test_forward_stalls.Stalls):
    """B14, with the time that is set when nobody sets any."""

    BULK = 64 << 20
    STALL = 20
    BUFFERS = ""


class StallsInCopy(Stalls, InCopy):
    pass


class StallsInSplice(Stalls, InSplice):
    pass


class LongStalls(Stalls):
    """B14, longer than the time for a write unless that is set longer."""

    PAIRS = 1
    STALL = 60
    OPTIONS_MORE = ("--write-stall", "120s")


class LongStallsInCopy(LongStalls, InCopy):
    pass


class LongStallsInSplice(LongStalls, InSplice):
    pass


class Ends(test_forward_cases.Ends):
    """B19: a minute of transfer against an end."""

    LONG = 60
    HALF_CLOSED = "30s"


class EndsInCopy(Ends, InCopy):
    pass


class EndsInSplice(Ends, InSplice):
    pass


class Blackholes(test_forward_backends.Blackholes):
    """B27."""

    CLIENTS = 1000
    TIMEOUT = 5.0


class Flaps(test_forward_backends.Flaps):
    """B30."""

    PERIODS = 150
    HALF = 1.0
    RATE = 200


class Sums(test_forward_splice.Sums):
    BULK = 1 << 30
    SECONDS = 300


class SumsInCopy(Sums, InCopy):
    pass


class SumsInSplice(Sums, InSplice):
    pass


class Moods(test_forward_splice.Moods):
    ROUNDS = 1000
    PAIRS = 8


class MoodsInCopy(Moods, InCopy):
    pass


class MoodsInSplice(Moods, InSplice):
    pass


class Pipes(test_forward_splice.Pipes):
    STREAMS = 60
    KILLS = 400


if __name__ == "__main__":
    kit.main()
