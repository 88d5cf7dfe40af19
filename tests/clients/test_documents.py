#!/usr/bin/env python3
"""The page of each protocol has its options as the program knows them.

usage: test_documents.py [--write]     --write puts them there
"""

import json
import os
import re
import subprocess
import sys
import unittest

import kit

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "docs")
BEGIN, END = "<!-- options -->\n", "\n<!-- options end -->\n"


def said(*words):
    return subprocess.run([kit.program(), *words], capture_output=True, text=True, check=True,
                          timeout=kit.PATIENCE).stdout


def tables():
    """The options of each protocol, as the reference of all keys has them."""
    names = [each["name"] for each in json.loads(said("protocols", "--json"))["protocols"]]
    sections = re.split(r"^## (.+)\n", said("config", "reference"), flags=re.MULTILINE)
    found = dict(zip(sections[1::2], sections[2::2]))
    return {name: "\n## Options\n" + found[name].split("\n", 2)[2].rstrip() + "\n" for name in names}


def page(name):
    return os.path.join(ROOT, "protocols", name + ".md")


def with_table(text, table):
    return text.partition(BEGIN)[0] + BEGIN + table + END


class Documents(unittest.TestCase):
    def test_every_protocol_has_a_page_with_its_options(self):
        for name, table in tables().items():
            with self.subTest(name), open(page(name), encoding="utf-8") as file:
                text = file.read()
                self.assertEqual(text, with_table(text, table), "test_documents.py --write")

    def test_there_is_no_page_without_a_protocol(self):
        pages = {name.removesuffix(".md") for name in os.listdir(os.path.dirname(page("x")))}
        self.assertEqual(pages, set(tables()))


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        for each, options in tables().items():
            with open(page(each), encoding="utf-8") as source:
                content = source.read()
            with open(page(each), "w", encoding="utf-8") as out:
                out.write(with_table(content, options))
    else:
        kit.main()
