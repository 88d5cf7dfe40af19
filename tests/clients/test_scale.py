#!/usr/bin/env python3
"""bench/scale.sh with few connections: its figures, its refusals, and that nothing of it is left."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import kit
from kit import program, run

BENCH = Path(__file__).resolve().parent.parent.parent / "bench"
COMMAND = str(BENCH / "scale.sh")
sys.path.append(str(BENCH / "suite"))
import scale_echo
FEW = "2000"


class Scale(kit.Case):
    def setUp(self):
        super().setUp()
        os.mkdir(self.path("bin"))
        os.symlink(program(), self.path("bin/weir"))

    def servers(self):
        """Processes that are ours, by the folder of their program."""
        ours = self.path("bin/weir").encode()
        found = []
        for entry in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = entry.read_bytes().split(b"\0")
            except OSError:  # It has ended since.
                continue
            if words[0] == ours:
                found.append(words)
        return found

    def scale(self, *arguments):
        return run(COMMAND, *arguments, timeout=120)

    def test_every_connection_is_held_and_answered_and_told_of(self):
        done = self.scale(FEW, self.directory, "--rounds", "0", "--json")
        found = json.loads(done.stdout)
        self.assertTrue(found["valid"], found["reason"])
        self.assertEqual((found["connections"], found["answered"], found["errors"]), (2000, 2000, 0))
        self.assertEqual(len(found["connect"]["tenths"]), 10)
        self.assertGreaterEqual(found["memory"]["held"]["sockets"], 4000)
        grown = found["memory"]["growth"]["servers"]["bytes"]
        told = 2000 * found["told_by_bench"]["bytes_per_connection_touched"]
        if not kit.SANITIZED:
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertAlmostEqual(grown, told, delta=0.2 * told)
        self.assertEqual(self.servers(), [])

    def test_an_echo_beside_is_judged_by_the_interval_of_its_ratio(self):
        def judged(held):
            alone = [{"cpu_us": cpu} for cpu in (10.0, 10.0, 10.0)]
            return scale_echo.judge(alone, [{"cpu_us": cpu} for cpu in held], alone)["verdict"]

        self.assertEqual(judged((10.0, 10.9, 10.5)), "holds")
        self.assertEqual(judged((10.0, 12.0, 12.0)), "cannot tell")
        self.assertEqual(judged((11.1, 12.0, 12.0)), "fails")

    def test_it_leaves_nothing_behind_when_it_is_interrupted(self):
        process = self.start(COMMAND, FEW, self.directory, "--rounds", "100",
                             stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.assertIn(b"without a load", process.stderr.readline())
        self.assertNotEqual(self.servers(), [])
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(kit.PATIENCE), 130)
        self.assertIn(b"ended by SIGINT", process.stderr.read())
        self.assertEqual(self.servers(), [])

    def test_a_wrong_number_is_one_sentence(self):
        for wrong in ("99", "1000001", "many"):
            done = self.scale(wrong, self.directory)
            self.assertEqual(done.returncode, 64)
            self.assertEqual(done.stderr.decode(),
                             f"scale.sh: N is a number from 100 to 1,000,000, not '{wrong}'\n")

    def test_a_build_that_is_not_there_is_named(self):
        done = self.scale(FEW, self.path("nowhere"))
        self.assertEqual(done.returncode, 66)
        self.assertIn(b"nowhere/bin/weir is not there", done.stderr)

    def test_what_the_doctor_finds_stops_it_with_the_words_of_the_doctor(self):
        done = run("bash", "-c", f'ulimit -n 128; exec "{COMMAND}" 100000 "{self.directory}"')
        self.assertEqual(done.returncode, 71)
        self.assertRegex(done.stderr.decode(), r"(?m)^FAULT|^fault|cannot hold")


if __name__ == "__main__":
    kit.main()
