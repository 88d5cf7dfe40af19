"""Measures TLS: Weir beside epoll and OpenSSL by hand, and as a forwarder beside the known ones."""

import os
import subprocess
import tempfile
from pathlib import Path

import core
import lineup
import memory
import rounds
import tls_lineup
from tls_scenarios import IDLE, SCENARIOS

CERTS_SH = Path(__file__).resolve().parent.parent.parent / "examples" / "certs.sh"


def lineups(build):
    return tls_lineup.contestants(build, Path())


def count_idle(chosen, echo, forward):
    found = {}
    for name, who in IDLE.items():
        if name in chosen.names:
            forwarder = name == "tls-idle-forward"
            found[name.replace("-", "_")] = core.each(
                name, forward if forwarder else echo, who, lambda one, forwarder=forwarder:
                memory.per_connection(chosen.build, one, chosen.pace.repeats, forwarder))
    return found


def measure(chosen):
    """Returns the counts, and a summary of each scenario."""
    with tempfile.TemporaryDirectory(prefix="weir-bench-certs-") as folder:
        subprocess.run(["bash", CERTS_SH, folder], check=True, stdout=subprocess.DEVNULL)
        os.environ |= {"RAW_TLS_CERT": f"{folder}/server.pem", "RAW_TLS_KEY": f"{folder}/server.key"}
        echo, forward = (lineup.installed(lineup.only(everybody, chosen.servers))
                         for everybody in tls_lineup.contestants(chosen.build, Path(folder)))
        found = count_idle(chosen, echo, forward)
        return found, [rounds.take(chosen, scenario, forward if scenario.behind else echo)
                       for scenario in SCENARIOS if scenario.name in chosen.names]
