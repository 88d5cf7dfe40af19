#!/usr/bin/env python3
"""Everything the program says when it is called wrongly: one clear sentence and the right exit code.
All of it stands side by side in docs/messages.md.

usage: test_messages.py [--write]     --write makes that page anew
"""

import os
import re
import subprocess
import sys
import unittest

import kit

PAGE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "docs", "messages.md")
URL = "tcp://127.0.0.1:0"
ABSURD = "999999999999999999999"

CASES = (
    ("Called bare", 64, (
        (), ("serve",), ("run",), ("check",), ("connect",), ("config",), ("config", "dump"),
        ("serve", "echo"), ("serve", "chat"), ("serve", "forward"))),
    ("A word that does not exist", 64, (
        ("srve",), ("--hlep",), ("serve", "ehco", URL), ("serve", "echo", URL, "--prefx", "x"),
        ("serve", "chat", URL, "--histroy", "5"), ("protocols", "cat"), ("config", "dmup"),
        ("config", "reference", "x"), ("connect", URL, "--timeot=1s"), ("check", "a", "b"),
        ("run", "a", "--loops=2"), ("serve", "echo", "--", URL))),
    ("A value that is none", 64, (
        ("serve", "echo", URL, "--loops", "many"), ("serve", "echo", URL, "--loops", "-1"),
        ("serve", "echo", URL, "--loops", ABSURD), ("serve", "echo", URL, "--idle", "soon"),
        ("serve", "echo", URL, "--idle", "1000d"), ("serve", "echo", URL, "--trace=perhaps"),
        ("serve", "echo", URL, "--log-level", "loud"), ("serve", "echo", URL, "--log-format", "xml"),
        ("serve", "echo", URL, "--line-max", "0"), ("serve", "echo", URL, "--write-high", ABSURD),
        ("serve", "chat", URL, "--slow", "skpi"), ("serve", "chat", URL, "--nick-max", "1"),
        ("serve", "chat", URL, "--messages-per-second", ABSURD),
        ("serve", "sniff", URL, "--wait", "0"), ("serve", "forward", URL, "--to", "nowhere"),
        ("serve", "echo", URL, "--drain", ""), ("connect", URL, "--timeout", ABSURD))),
    ("A URL that is none", 64, (
        ("serve", "echo", "tpc://127.0.0.1:1"), ("serve", "echo", "tcp://127.0.0.1"),
        ("serve", "echo", "tcp://127.0.0.1:99999"), ("serve", "echo", "tcp://127.0.0.1:nosuch"),
        ("serve", "echo", "tcp://127.0.0.1:1?nodelya=on"), ("serve", "echo", "unix://relative"),
        ("serve", "echo", "unix:///" + "x" * 120), ("serve", "echo", ""), ("connect", ""),
        ("connect", "tcp://:0"))),
    ("What cannot be had", None, (
        (69, "serve", "echo", "tcp://192.0.2.1:7007"), (68, "connect", "tcp://nosuch.invalid:1"),
        (69, "connect", "tcp://127.0.0.1:1"), (73, "serve", "echo", "unix:///nowhere/x.sock"),
        (73, "serve", "echo", URL, "--log-file", "/nowhere/weir.log"),
        (71, "serve", "echo", URL, "--connections", "9999999"),
        (66, "run", "/nowhere/weir.toml"), (66, "check", "/"),
        (66, "config", "dump", "/nowhere/weir.toml"))),
)


def call(words):
    done = subprocess.run([kit.program(), *words], capture_output=True, text=True, check=False,
                          timeout=kit.PATIENCE, stdin=subprocess.DEVNULL, errors="surrogateescape")
    return done.returncode, done.stdout, done.stderr


def shown(words):
    quoted = (word if re.fullmatch(r"[\w:/.?=,-]+", word) else f"'{word}'" for word in words)
    return " ".join(("weir", *quoted))


def sentences(text):
    """What is said before the usage, if that follows; its heading is no sentence of ours."""
    said, usage, _ = text.partition("Usage:")
    lines = said.strip().splitlines()
    return lines[:-1] if usage else lines


def each_case():
    for title, code, calls in CASES:
        for words in calls:
            expected, words = (words[0], words[1:]) if code is None else (code, words)
            yield title, expected, words


def page():
    text = ("# What the program says when it is called wrongly\n\nMade by "
            "`tests/clients/test_messages.py --write`. \"Usage\" stands for the usage text of the "
            "command,\nwhich follows where too little was said.\n")
    last = None
    for title, _, words in each_case():
        code, _, errors = call(words)
        if title != last:
            text += f"\n## {title}\n"
            last = title
        said = sentences(errors) + (["Usage"] if "Usage:" in errors else [])
        text += f"\n`{shown(words)}` · {code}\n\n" + "".join(f"> {line}\n" for line in said)
    # What depends on the machine.
    return re.sub(r"room for \d+ connections", "room for N connections", text)


class Messages(unittest.TestCase):
    def test_each_is_a_sentence_with_the_right_exit_code_and_nothing_on_standard_output(self):
        for _, expected, words in each_case():
            code, output, errors = call(words)
            with self.subTest(shown(words)):
                self.assertEqual(code, expected, errors)
                self.assertEqual(output, "")
                said = sentences(errors)
                self.assertEqual(len(said), 1, errors)
                for line in said:
                    self.assertRegex(line, r"^weir: [^\n]{8,}$")

    def test_the_page_of_messages_is_what_the_program_says(self):
        with open(PAGE, encoding="utf-8") as file:
            self.assertEqual(page(), file.read(), "python3 tests/clients/test_messages.py --write")


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        with open(PAGE, "w", encoding="utf-8") as out:
            out.write(page())
    else:
        kit.main()
