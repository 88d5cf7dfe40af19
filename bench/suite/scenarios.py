"""What is measured round by round: the load, who faces it, and whom they are compared with."""

from dataclasses import dataclass, field

LIBRARIES = ("raw", "raw again", "weir", "libev", "libuv", "libevent", "Boost.Asio", "Go")
ECHO = (*LIBRARIES, "Netty", "Node", "uvloop")
FEW = (*ECHO, "socat")  # A process for each connection is for few of them only.
CHAT = ("raw", "raw again", "weir")
FORWARD = ("weir", "rinetd", "haproxy", "haproxy, splice", "nginx")

PER_MESSAGE = "cpu_us_per_message"
PER_GIB = "cpu_s_per_gib"
RATE = "rate"
TAIL = "p999_us"


@dataclass
class Scenario:
    name: str
    what: str
    load: str                 # The generator's scenario.
    options: dict
    metric: str = PER_MESSAGE
    servers: tuple = ECHO
    reference: str = "raw"    # The control is the same again.
    others: tuple = ()        # Further servers that ratios are formed against.
    processes: int = 1
    timed: bool = True        # False: it ends by itself.
    behind: bool = field(init=False)  # Through a forwarder, so the generator serves the far side.

    def __post_init__(self):
        self.behind = "haproxy" in self.servers

    @property
    def room(self):
        return self.load == "fanout"

    @property
    def control(self):
        return f"{self.reference} again"

    @property
    def references(self):
        return (self.reference, *self.others)


def echo(name, what, servers=ECHO, **options):
    return Scenario(name, what, "echo", options, servers=servers)


def open_loop(name, what, metric=PER_MESSAGE):
    return Scenario(name, what, "rate", {"size": 64, "connections": 1000, "rate": 40000}, metric, LIBRARIES)


def fanout(name, what, **options):
    return Scenario(name, what, "fanout", options | {"size": 64}, RATE, CHAT)


def bulk(way, load, connections):
    return Scenario(f"forward-{way}-{connections}",
                    f"bulk through a forwarder, {way}, {connections} connections", load,
                    {"connections": connections}, PER_GIB,
                    (*FORWARD, "haproxy, splice again", *(("socat",) if connections < 10 else ())),
                    "haproxy, splice", ("haproxy", "rinetd"))


SCENARIOS = (
    echo("echo-64-50", "echo, 64 B, 50 connections", FEW, size=64, connections=50),
    echo("echo-64-1000", "echo, 64 B, 1,000 connections", size=64, connections=1000),
    echo("echo-64-10000", "echo, 64 B, 10,000 connections", size=64, connections=10000),
    echo("echo-64-50-deep", "echo, 64 B, 50 connections, 16 messages in flight on each", FEW,
         size=64, connections=50, depth=16),
    echo("echo-16k-50", "echo, 16 KiB, 50 connections", FEW, size=16384, connections=50),
    Scenario("churn", "connect, one echo, close; two generators", "churn",
             {"size": 64, "connections": 50}, servers=FEW, processes=2),
    open_loop("rate-40000", "open loop, 40,000 messages a second over 1,000 connections"),
    open_loop("rate-40000-tail", "open loop, 40,000 messages a second over 1,000 connections: the p99.9", TAIL),
    Scenario("storm", "10,000 connect at once, one echo each", "storm",
             {"size": 64, "connections": 10000}, RATE, LIBRARIES, timed=False),
    fanout("fanout-100", "chat, 100 members, one line at a time", connections=100),
    fanout("fanout-1000", "chat, 1,000 members, one line at a time", connections=1000),
    fanout("fanout-1000-deep", "chat, 1,000 members, 16 senders, 16 lines in flight",
           connections=1000, senders=16, depth=16),
    fanout("fanout-1000-stalled", "chat, 1,000 members of whom 10 never read, one line at a time",
           connections=1000, stalled=10),
    Scenario("forward-64-1000", "echo through a forwarder, 64 B, 1,000 connections", "echo",
             {"size": 64, "connections": 1000}, PER_MESSAGE, (*FORWARD, "rinetd again"),
             "rinetd", ("haproxy", "haproxy, splice")),
    bulk("up", "send", 4),
    bulk("down", "receive", 4),
    bulk("up", "send", 200),
    bulk("down", "receive", 200),
    Scenario("forward-mix", "connections that alternate between chatter and streams", "mix",
             {"connections": 50}, PER_GIB,
             ("weir", "rinetd", "rinetd again", "haproxy", "haproxy, splice"),
             "rinetd", ("haproxy", "haproxy, splice")),
)

# Over these the geometric mean is formed.
MEAN = ("echo-64-50", "echo-64-1000", "echo-64-10000", "echo-64-50-deep", "echo-16k-50", "churn")
