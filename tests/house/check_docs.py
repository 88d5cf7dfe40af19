#!/usr/bin/env python3
"""Checks that every relative link and every anchor in the Markdown documents resolves.

usage: check_docs.py ROOT
"""
import re
import sys
from pathlib import Path

LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)(?:\s+\"[^\"]*\")?\)")


def prose(path):
    """The text without code blocks and code spans: brackets in there are no links."""
    text = re.sub(r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.M | re.S)
    return re.sub(r"`[^`\n]*`", "", text)


def anchors(path):
    """Headings as GitHub turns them into anchors."""
    text = re.sub(r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.M | re.S)
    found = set()
    for heading in re.findall(r"^#+\s+(.*?)\s*$", text, flags=re.M):
        plain = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        found.add(plain)
    return found


def faults_of(document):
    for target in LINK.findall(prose(document)):
        if re.match(r"[a-z]+:", target):
            continue  # Another site; tests use no network.
        name, _, anchor = target.partition("#")
        file = (document.parent / name).resolve() if name else document
        if not file.exists():
            yield f"{document}: {target}: there is no {name}"
        elif anchor and file.suffix == ".md" and anchor not in anchors(file):
            yield f"{document}: {target}: no heading is called that"


def main():
    root = Path(sys.argv[1]).resolve()
    documents = [d for d in sorted(root.rglob("*.md"))
                 if d.relative_to(root).parts[0] not in ("build", ".git")]
    faults = [fault for document in documents for fault in faults_of(document)]
    for document in documents:
        print(document.relative_to(root))
    for fault in faults:
        print(fault)
    print(f"{len(documents)} documents, {len(faults)} broken links")
    return 1 if faults or not documents else 0


if __name__ == "__main__":
    sys.exit(main())
