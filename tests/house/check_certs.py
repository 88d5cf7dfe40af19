#!/usr/bin/env python3
"""Runs examples/certs.sh as ./dev certs does: what it makes is what TLS needs, keys are nobody
else's, what is valid is kept, and what is not is made again.

usage: check_certs.py CERTS_SH
"""
import re
import subprocess
import sys
import tempfile
from pathlib import Path

KEYS = ("ca.key", "server.key", "client.key")
CERTIFICATES = ("ca.pem", "server.pem", "client.pem")


def run(*command, code=0):
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == code, f"{command}: exit {done.returncode}: {done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def check_made(script, folder):
    said = run("bash", script, str(folder))
    made = contents(folder)
    assert sorted(made) == sorted(KEYS + CERTIFICATES), sorted(made)
    for key in KEYS:
        assert (folder / key).stat().st_mode & 0o777 == 0o600, f"others can read {key}"
    for hint in ("weir serve echo 'tls://", "weir connect 'tls://localhost:7443?ca=",
                 "openssl s_client -connect"):
        assert hint in said, f"no hint {hint} in:\n{said}"
    return made


def check_valid(folder):
    trust = ("openssl", "verify", "-no-CApath", "-no-CAstore", "-CAfile", str(folder / "ca.pem"))
    for name in ("-verify_hostname localhost", "-verify_ip 127.0.0.1", "-verify_ip ::1"):
        run(*trust, "-x509_strict", "-purpose", "sslserver", *name.split(),
            str(folder / "server.pem"))
    run(*trust, "-x509_strict", "-purpose", "sslclient", str(folder / "client.pem"))
    run(*trust, "-purpose", "sslclient", str(folder / "server.pem"), code=2)
    run(*trust, "-purpose", "sslserver", str(folder / "client.pem"), code=2)
    for pem in CERTIFICATES:
        said = run("openssl", "x509", "-in", str(folder / pem), "-noout", "-text")
        assert "prime256v1" in said, said
        run("openssl", "x509", "-in", str(folder / pem), "-noout", "-checkend", str(89 * 86_400))
        run("openssl", "x509", "-in", str(folder / pem), "-noout", "-checkend", str(91 * 86_400),
            code=1)


def check_again(script, folder, made):
    assert "kept" in run("bash", script, str(folder))
    assert contents(folder) == made, "what was valid was made again"

    (folder / "client.key").write_bytes(made["server.key"])
    assert "made client.pem," in run("bash", script, str(folder))
    mended = contents(folder)
    kept = [name for name in made if made[name] == mended[name]]
    assert sorted(kept) == sorted(set(made) - {"client.pem", "client.key"}), kept

    run("bash", script, "--force", str(folder))
    forced = contents(folder)
    assert not [name for name in made if made[name] == forced[name]], "--force kept something"
    check_valid(folder)


def check_refusals(script, folder):
    assert re.search("--force, not '--forse'", run("bash", script, "--forse", code=1))
    assert "one folder" in run("bash", script, str(folder), "another", code=1)


def main():
    script = sys.argv[1]
    with tempfile.TemporaryDirectory(prefix="weir ") as directory:
        folder = Path(directory) / "some" / "certs"
        made = check_made(script, folder)
        check_valid(folder)
        check_again(script, folder, made)
        check_refusals(script, folder)
    print("certificates for trying are made, kept and made again")


if __name__ == "__main__":
    main()
