"""What is measured over TLS."""

from scenarios import PER_GIB, PER_MESSAGE, Scenario

ECHO = ("raw", "raw again", "weir")
FORWARD = ("nginx", "nginx again", "weir", "haproxy", "hitch", "stunnel")


def echo(name, what, load, metric=PER_MESSAGE, **options):
    return Scenario(f"tls-{name}", f"TLS: {what}", load, options, metric, ECHO)


def forward(name, what, load, **options):
    return Scenario(f"tls-forward-{name}", f"TLS: {what}", load, options, PER_MESSAGE, FORWARD, "nginx",
                    ("haproxy",))


# The client pays as much for TLS as the server, and both have one core: so no server's core is full in
# handshakes.
SCENARIOS = (
    echo("full", "full handshake, one echo, close", "handshake", connections=8),
    echo("resumed", "resumed handshake, one echo, close", "handshake", connections=8, resumed=None),
    echo("echo-64", "echo, 64 B, 50 connections", "echo", connections=50),
    echo("bulk", "echo, 16 KiB, 8 connections, 4 in flight on each", "echo", PER_GIB, connections=8,
         size=16384, depth=4),
    forward("full", "full handshake through a forwarder", "handshake", connections=8),
    forward("resumed", "resumed handshake through a forwarder", "handshake", connections=8,
            resumed=None),
    forward("echo-64", "echo through a forwarder, 64 B, 50 connections", "echo", connections=50),
)
# What is counted once, for whom.
IDLE = {
    "tls-idle": ("raw", "weir"),
    "tls-idle-forward": ("weir", "haproxy", "nginx", "hitch", "stunnel"),
}
