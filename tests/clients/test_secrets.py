"""A process that holds private keys leaves no memory behind and lets nobody look into it."""

import os
import resource
import signal
import subprocess

import kit
from kit import Case, main

CERTS_SH = os.path.join(os.path.dirname(__file__), "../../examples/certs.sh")


def dumping():
    """Run in the child, before the program."""
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))


class Secrets(Case):
    def setUp(self):
        super().setUp()
        subprocess.run(["bash", CERTS_SH, self.path("certs")], check=True, stdout=subprocess.DEVNULL)

    def tls(self):
        certs = self.path("certs")
        return f"tls://127.0.0.1:0?cert={certs}/server.pem&key={certs}/server.key"

    def dumps(self, server):
        """Whether the system says that it wrote a core dump, in the test's folder or elsewhere."""
        os.kill(server.pid, signal.SIGSEGV)
        _, status = os.waitpid(server.pid, 0)
        server.process.returncode = -os.WTERMSIG(status)
        return os.WCOREDUMP(status)

    def started(self, *words, **more):
        return self.serve(*words, preexec_fn=dumping, cwd=self.directory, **more)

    def need_dumps(self):
        if kit.SANITIZED:
            self.skipTest("a sanitizer writes no core dump")
        if not self.dumps(self.started("echo")):
            self.skipTest("this system writes no core dump, of any process")

    def test_a_server_with_a_private_key_leaves_no_core_dump(self):
        self.need_dumps()
        self.assertFalse(self.dumps(self.started("echo", urls=(self.tls(),))))

    def test_a_forwarder_to_tls_leaves_no_core_dump(self):
        self.need_dumps()
        target = f"tls://127.0.0.1:1?ca={self.path('certs')}/ca.pem"
        self.assertFalse(self.dumps(self.started("forward", "--to", target)))

    def test_a_reload_that_brings_a_key_makes_the_process_private(self):
        self.need_dumps()
        plain = '[[service]]\nprotocol = "echo"\nlisten = ["tcp://127.0.0.1:0"]\n'
        server = self.run_file(plain, 1, preexec_fn=dumping, cwd=self.directory)
        self.write("weir.toml", plain + f'[[service]]\nprotocol = "time"\nlisten = ["{self.tls()}"]\n')
        server.reload()
        self.assertFalse(self.dumps(server))


if __name__ == "__main__":
    main()
