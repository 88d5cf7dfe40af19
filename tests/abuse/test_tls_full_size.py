"""The cases of TLS in the sizes and with the figures of their specification.

They take minutes and want the machine for themselves: cmake -DWEIR_ABUSE=ON, or ./dev test abuse.
"""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "clients"))

# pylint: disable=wrong-import-position
import kit
import test_tls_cases


class Silent(test_tls_cases.Silent):
    """B11."""

    SILENT, TRICKLING = 4_000, 1_000
    SLOWEST = 0.05


class Sessions(test_tls_cases.Sessions):
    """B50."""

    HANDSHAKES = 33_400
    GROWTH = 32 << 20


if __name__ == "__main__":
    kit.main()
