"""What scanners report of a server with nothing but a certificate set. Row 62 of the capabilities."""

import json
import re
import unittest

import kit
import tls_kit
from tls_kit import pki


class Scanners(tls_kit.TlsCase):
    def test_sslscan_finds_two_versions_with_forward_secrecy_and_aead_only(self):
        kit.need("sslscan")
        server = self.serve_tls()
        report = kit.run("sslscan", "--no-colour", f"localhost:{server.port}").stdout.decode()
        for version in ("SSLv2", "SSLv3", "TLSv1.0", "TLSv1.1"):
            self.assertRegex(report, rf"{re.escape(version)}\s+disabled")
        ciphers = re.findall(r"^(?:Preferred|Accepted)\s+(TLSv1\.\d)\s+\d+ bits\s+(\S+)", report, re.M)
        self.assertEqual({version for version, _ in ciphers}, {"TLSv1.2", "TLSv1.3"}, report)
        for version, cipher in ciphers:
            self.assertRegex(cipher, "GCM|CHACHA20", version)
            if version == "TLSv1.2":
                self.assertTrue(cipher.startswith("ECDHE-"), cipher)
        self.assertIn("renegotiation not supported", report)

    @unittest.skipIf(kit.SANITIZED, "testssl.sh looks at the protocol: once, on the ordinary build")
    def test_testssl_reports_nothing_above_low(self):
        kit.need("testssl")
        server = self.serve_tls()
        report = self.path("report.json")
        done = kit.run("testssl", "-p", "-s", "-f", "-U", "--warnings", "off", "--color", "0",
                       "--quiet", "--add-ca", pki().ca.cert, "--jsonfile", report,
                       f"localhost:{server.port}", timeout=240)
        with open(report, encoding="utf-8") as file:
            findings = json.load(file)
        said = done.stdout.decode(errors="replace")
        self.assertGreater(len(findings), 30, said)
        bad = [each for each in findings
               if each["severity"] in ("MEDIUM", "HIGH", "CRITICAL", "FATAL")]
        self.assertEqual(bad, [], said)


if __name__ == "__main__":
    kit.main()
