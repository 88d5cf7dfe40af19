#!/usr/bin/env python3
"""weir bench: what it prints, refuses and keeps, against real servers."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time

import kit
from kit import program, weir

SCHEMA = os.path.join(os.path.dirname(__file__), "..", "..", "docs", "bench-result.schema.json")
STALLING = os.path.join(os.path.dirname(__file__), "..", "..", "bench", "proofs", "stalling_echo.py")


def type_name(value):
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    names = {int: "integer", float: "number", str: "string", list: "array", dict: "object"}
    return names[type(value)]


def faults_of(value, schema, whole, where="result"):
    """What of the schema's words for types, required names and constants the value breaks."""
    if "$ref" in schema:
        schema = whole["$defs"][schema["$ref"].rpartition("/")[2]]
    if "anyOf" in schema:
        tries = [list(faults_of(value, one, whole, where)) for one in schema["anyOf"]]
        if all(tries):
            yield from min(tries, key=len)
        return
    wanted = schema.get("type", [])
    wanted = [wanted] if isinstance(wanted, str) else wanted
    name = type_name(value)
    if wanted and name not in wanted and not (name == "integer" and "number" in wanted):
        yield f"{where} is {name}, expected {wanted}"
        return
    if "const" in schema and value != schema["const"] or "enum" in schema and value not in schema["enum"]:
        yield f"{where} is {value!r}"
    if isinstance(value, dict):
        for missing in set(schema.get("required", ())) - set(value):
            yield f"{where} has no {missing}"
        for key, inner in schema.get("properties", {}).items():
            if key in value:
                yield from faults_of(value[key], inner, whole, f"{where}.{key}")
    if isinstance(value, list):
        for index, each in enumerate(value):
            yield from faults_of(each, schema.get("items", {}), whole, f"{where}[{index}]")


def gone(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


class Bench(kit.Case):
    def started(self, *words):
        """A server of one loop; its URL and its process."""
        process = subprocess.Popen([program(), "serve", *(words or ("echo",)), "tcp://127.0.0.1:0",
                                    "--loops", "1"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                   text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process.stdout.readline().split()[2], process

    def bench(self, *words):
        done = weir("bench", *words, "--json", timeout=120)
        self.assertTrue(done.stdout, done.stderr)
        return done.returncode, json.loads(done.stdout)

    def test_a_result_keeps_to_the_schema(self):
        url, _ = self.started()
        with open(SCHEMA, encoding="utf-8") as file:
            schema = json.load(file)
        for words in (("echo",), ("rate", "--rate", "500"), ("silent",), ("idle",), ("storm",)):
            with self.subTest(words):
                _, result = self.bench(*words, url, "--duration", "1200ms", "--warmup", "10ms",
                                       "--threshold", "p99<10s")
                self.assertEqual(list(faults_of(result, schema, schema)), [])

    def test_a_target_alone_is_enough(self):
        url, server = self.started()
        running = subprocess.Popen([program(), "bench", url], stdout=subprocess.PIPE, text=True)
        kit.wait_until(lambda: kit.cpu_seconds(server.pid) > 0.05, "load")
        running.send_signal(signal.SIGINT)
        said, _ = running.communicate(timeout=kit.PATIENCE)

        self.assertIn("echo " + url + ": 50 connections", said)

    def test_who_listens_there_is_found_and_measured(self):
        url, server = self.started()
        _, result = self.bench(url, "--duration", "300ms")

        self.assertEqual(result["server"]["pids"], [server.pid])
        self.assertIsNotNone(result["server"]["cpu_us_per_message"])

    def test_ctrl_c_ends_it_and_keeps_what_was_measured_as_not_valid(self):
        url, server = self.started()
        running = subprocess.Popen([program(), "bench", url, "--warmup", "0", "--duration", "1h", "--json"],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        kit.wait_until(lambda: kit.cpu_seconds(server.pid) > 0.1, "load")
        running.send_signal(signal.SIGINT)
        output, errors = running.communicate(timeout=kit.PATIENCE)
        result = json.loads(output)

        self.assertEqual(running.returncode, 98, errors)
        self.assertEqual(result["limited_by"], "interrupted")
        self.assertGreater(result["messages"], 0)

    def test_a_target_that_dies_in_mid_run_leaves_a_partial_result_that_is_marked(self):
        url, server = self.started()
        running = subprocess.Popen([program(), "bench", url, "--warmup", "0", "--duration", "1h", "--json"],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        kit.wait_until(lambda: kit.cpu_seconds(server.pid) > 0.1, "load")
        server.kill()
        output, errors = running.communicate(timeout=kit.PATIENCE)
        result = json.loads(output)

        self.assertEqual(running.returncode, 98, errors)
        self.assertRegex(errors, r"^weir: the figures are not valid: connection \d+ was ")
        self.assertGreater(result["messages"], 0)
        self.assertEqual(result["errors"], 50)

    def test_an_agent_that_is_killed_ends_the_run_with_a_sentence(self):
        url, server = self.started()
        running = subprocess.Popen([program(), "bench", url, "--agents", "2", "--duration", "1h"],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        kit.wait_until(lambda: kit.cpu_seconds(server.pid) > 0.05, "load")
        with open(f"/proc/{running.pid}/task/{running.pid}/children", encoding="ascii") as file:
            os.kill(int(file.read().split()[0]), signal.SIGKILL)
        output, errors = running.communicate(timeout=kit.PATIENCE)

        self.assertEqual((running.returncode, output), (71, ""))
        self.assertIn("weir: agent 1 died of signal 9", errors)

    def test_agents_do_not_outlive_their_conductor(self):
        url, server = self.started()
        running = subprocess.Popen([program(), "bench", url, "--agents", "2", "--duration", "1h"],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        kit.wait_until(lambda: kit.cpu_seconds(server.pid) > 0.05, "load")
        with open(f"/proc/{running.pid}/task/{running.pid}/children", encoding="ascii") as file:
            agents = [int(word) for word in file.read().split()]
        running.kill()
        running.wait()

        self.assertEqual(len(agents), 2)
        for agent in agents:
            kit.wait_until(lambda agent=agent: gone(agent), "the agent ends")

    def starved(self, *words):
        """A run that shares its CPU with four others, each of which comes before it."""
        cpu = min(os.sched_getaffinity(0))
        for _ in range(4):
            hog = subprocess.Popen([sys.executable, "-c", "while True: pass"])
            self.addCleanup(hog.wait)
            self.addCleanup(hog.kill)
            os.sched_setaffinity(hog.pid, {cpu})
        done = weir("bench", *words, "--cpu", str(cpu), "--duration", "1500ms", "--json", timeout=120,
                    preexec_fn=lambda: os.nice(10))
        self.assertTrue(done.stdout, done.stderr)
        return done.returncode, json.loads(done.stdout)

    def test_a_starved_generator_is_refused(self):
        url, _ = self.started()
        # Who else is busy is not known.
        code, result = self.starved(url, "--connections", "10", "--depth", "64", "--server-pid", "none")

        self.assertEqual(code, 98)
        self.assertEqual(result["limited_by"], "generator")
        self.assertIn("waited for a CPU", result["reason"])

    def test_a_starved_open_loop_is_refused_for_its_schedule(self):
        url, _ = self.started()
        code, result = self.starved("rate", url, "--connections", "10", "--rate", "50000")

        self.assertEqual(code, 98)
        self.assertIn(result["limited_by"], ("schedule", "drops"))

    def test_a_stall_shows_in_an_open_loop_and_hides_from_a_closed_one(self):
        server = subprocess.Popen([sys.executable, STALLING], stdout=subprocess.PIPE, text=True)
        self.addCleanup(server.stdout.close)
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        url = server.stdout.readline().split()[2]
        _, opened = self.bench("rate", url, "--rate", "500", "--connections", "10", "--duration", "4s")

        _, closed = self.bench("echo", url, "--connections", "10", "--duration", "4s")

        self.assertGreaterEqual(opened["latency_us"]["p99"], 80_000)
        self.assertLess(closed["latency_us"]["p99"], 40_000)
        self.assertGreaterEqual(closed["latency_us"]["max"], 80_000)

    def test_a_broken_threshold_gives_99_and_an_invalid_run_98_before_that(self):
        url, _ = self.started()
        daytime, _ = self.started("daytime")
        code, result = self.bench("rate", url, "--rate", "200", "--duration", "500ms",
                                  "--threshold", "p99<1ns", "--threshold", "rate>10")
        wrong, _ = self.bench("echo", daytime, "--duration", "100ms", "--threshold", "p99<1ns")

        if result["valid"]:
            self.assertEqual(code, 99)
        self.assertEqual([each["holds"] for each in result["thresholds"]], [False, True])
        self.assertEqual(wrong, 98)

    def test_the_most_connections_that_hold_are_searched(self):
        url, _ = self.started("echo", "--connections", "200")
        _, result = self.bench("idle", url, "--warmup", "1ms", "--find-max", "errors<1",
                               "--server-pid", "none")
        found = result["find_max"]

        self.assertEqual(found["of"], "connections")
        self.assertGreater(found["best"], 150)
        self.assertLessEqual(found["best"], 200)
        self.assertEqual(found["confirmed"], 3)

    def test_reports_are_written_and_a_place_where_none_can_be_is_told_at_once(self):
        url, _ = self.started()
        page = self.path("report.html")
        log = self.path("latency.hlog")
        self.bench(url, "--duration", "300ms", "--html", page, "--hdr", log)
        with open(page, encoding="utf-8") as file:
            self.assertIn(url, file.read())
        with open(log, encoding="utf-8") as file:
            self.assertRegex(file.read(), r"(?m)^0\.000,[\d.]+,[\d.]+,HIST")
        before = time.monotonic()
        refused = weir("bench", url, "--html", "/nowhere/report.html")
        self.assertEqual(refused.returncode, 73)
        self.assertLess(time.monotonic() - before, 5)

    def test_two_results_are_compared_with_a_page(self):
        url, _ = self.started()
        files = []
        for name in ("a.json", "b.json"):
            done = weir("bench", "rate", url, "--rate", "200", "--duration", "500ms", "--json", timeout=60)
            files.append(self.path(name))
            with open(files[-1], "wb") as file:
                file.write(done.stdout)
        page = self.path("both.html")
        done = weir("bench", "compare", *files, "--html", page)

        self.assertIn(done.returncode, (0, 98, 99), done.stderr)
        self.assertIn(b"p99", done.stdout)
        self.assertGreater(os.path.getsize(page), 50_000)

    def test_ab_starts_both_servers_in_each_round_and_says_which_is_better(self):
        one = f"{program()} serve echo tcp://127.0.0.1:{{port}} --loops 1 2>/dev/null"
        done = weir("bench", "ab", one, one, "--figure", "rate", "--duration", "100ms", "--warmup", "10ms",
                    "--connections", "5", "--seed", "1", "--json", timeout=300)
        self.assertIn(done.returncode, (0, 98, 99), done.stderr)
        if done.stdout:
            result = json.loads(done.stdout)
            self.assertGreaterEqual(len(result["rounds"]), 10)
            self.assertIn(result["verdict"], ("same", "differs", "unsure"))
        else:
            self.assertIn(b"a round is not valid: the generator was the limit", done.stderr)

    def test_ab_tells_of_a_command_that_does_not_serve(self):
        done = weir("bench", "ab", "true {port}", "true {port}")
        self.assertEqual(done.returncode, 69)
        self.assertRegex(done.stderr, rb"^weir: \"true \{port\}\": it ended with 0 at once\n$")

    def test_live_lines_are_for_a_terminal_only_and_have_no_colours_when_none_are_wanted(self):
        url, _ = self.started()
        quiet = weir("bench", url, "--duration", "300ms")
        self.assertNotIn(b"\x1b", quiet.stdout + quiet.stderr)
        shown = kit.run("script", "-qec", f"NO_COLOR=1 {program()} bench {url} --duration 1200ms", "/dev/null")
        self.assertIn(b" left", shown.stdout)
        self.assertNotIn(b"\x1b[1m", shown.stdout)


if __name__ == "__main__":
    kit.main()
