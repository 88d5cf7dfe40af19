"""Results of weir bench as docs/bench-result.schema.json has them, plausible and made up."""

import math
import random

LATENCIES = ("p50", "p90", "p99", "p999", "max")


def latencies(*values):
    return dict(zip(LATENCIES, values))


def timeline(random_, seconds, scale):
    """Rows with some noise, and a stall at a third of the way."""
    rows = []
    for second in range(1, seconds + 1):
        noise = random_.uniform(0.96, 1.04)
        slow = 6 if second == seconds // 3 else 1
        rows.append({
            "at_s": second + random_.uniform(0, 0.001), "span_s": 1.0,
            "rate": 84_000 / scale * noise / math.sqrt(slow),
            "p50_us": 110 * scale * noise, "p90_us": 190 * scale * noise * slow,
            "p99_us": 420 * scale * noise * slow, "max_us": 1_900 * scale * noise * noise * slow,
            "connections": 50, "errors": 0, "generator_cpu_share": 0.71 * noise,
            "server_cpu_share": 0.93 * noise, "server_memory_bytes": 3 * 2**20 + 2_000 * second})
    return rows


def curve(count, scale):
    """Five steps for each halving of what is left, as HdrHistogram has them, then 100 %."""
    steps, step = [], 0
    while True:
        left = 2 ** -(step // 5) * (1 - step % 5 / 10)
        if left * count < 1:
            break
        steps.append({"percentile": 100 * (1 - left), "count": round(count * (1 - left)),
                      "us": scale * (60 + 45 * (step / 5) ** 1.6)})
        step += 1
    return steps + [{"percentile": 100, "us": steps[-1]["us"] * 1.1, "count": count}]


def result(seconds=30, scale=1.0, **other):
    """A closed loop of so many seconds; `scale` makes it slower."""
    random_ = random.Random(seconds * 100 + scale)
    rate = 84_000 / scale
    messages = round(rate * seconds)
    made = {
        "format": 1, "weir": "0.1.0", "started": "2026-11-28T10:00:00Z",
        "command": ["weir", "bench", "echo", "tcp://127.0.0.1:7000", "--duration", f"{seconds}s",
                    "--threshold", "p99<5ms"],
        "scenario": "echo", "target": "tcp://127.0.0.1:7000",
        "options": {"connections": 50, "size": 64, "depth": 1, "duration": seconds, "warmup": 0.5},
        "connections": 50, "duration_s": float(seconds), "messages": messages,
        "bytes": 64 * messages, "rate": rate, "errors": 0, "dropped": 0, "unanswered": 0,
        "latency_us": latencies(110 * scale, 190 * scale, 420 * scale, 2_100 * scale, 11_500 * scale),
        "service_us": None, "lag_us": None, "valid": True, "reason": "", "limited_by": None,
        "thresholds": [{"text": "p99<5ms", "figure": 0.42 * scale, "holds": True},
                       {"text": "errors<1", "figure": 0, "holds": True}],
        "find_max": None,
        "generator": {"agents": 1, "cpu_share": 0.71, "waited_share": 0.004},
        "server": {"pids": [4711], "cpu_share": 0.93, "cpu_us_per_message": 11.1 * scale,
                   "cpu_s_per_gib": None, "bytes_per_connection": 334,
                   "bytes_per_connection_touched": 402},
        "timeline": timeline(random_, seconds, scale), "percentiles": curve(messages, scale),
        "environment": {"system": "Debian GNU/Linux 12 (bookworm)", "kernel": "6.1.0", "cpu": "AMD EPYC",
                        "cpus": 2, "memory_bytes": 25_233_000_000, "descriptors": 20_000,
                        "load_average": 0.31}}
    return made | other


def open_loop(**other):
    """Sent to a schedule, with a server that stalled: much of the latency is waiting to be sent."""
    return result(scale=1.3, latency_us=latencies(150, 900, 48_000, 61_000, 66_000),
                  service_us=latencies(120, 210, 480, 2_400, 14_000),
                  lag_us=latencies(8, 600, 47_500, 59_000, 63_000), **other)


def searched():
    """A search for the largest rate, and its trials."""
    trials = [{"at": 20_000, "figure": 0.31, "holds": True, "reason": ""},
              {"at": 40_000, "figure": 0.44, "holds": True, "reason": ""},
              {"at": 80_000, "figure": 31.2, "holds": False, "reason": "p99 was 31.2 ms"},
              {"at": 60_000, "figure": 1.9, "holds": True, "reason": ""},
              {"at": 70_000, "figure": None, "holds": False, "reason": "the generator was the limit"}]
    return open_loop(find_max={"threshold": "p99<5ms", "of": "rate", "best": 60_000, "confirmed": 3,
                               "limited_by": "p99 was 5.4 ms at 65,000 a second", "trials": trials})


def refused():
    """Not valid; a threshold is missed, and there are errors."""
    return result(scale=1.6, valid=False, limited_by="generator", errors=17,
                  reason="The generator's CPU was 99 % busy, so the server was not what was measured.",
                  thresholds=[{"text": "p99<0.5ms", "figure": 0.672, "holds": False}])


def empty():
    """Interrupted before anything was measured."""
    none = latencies(None, None, None, None, None)
    return result(seconds=1, duration_s=0.0, connections=0, messages=0, bytes=0, rate=None,
                  latency_us=none, valid=False, reason="It was interrupted before the first message.",
                  limited_by="interrupted", thresholds=[], server=None, timeline=[], percentiles=[],
                  generator={"agents": 1, "cpu_share": None, "waited_share": None}, environment={})


def hostile():
    """What somebody might send who hopes that it is opened."""
    script = "<script>document.documentElement.dataset.owned='yes'</script>"
    image = "<img src=x onerror=\"document.documentElement.dataset.owned='yes'\">"
    text = f"</script><!--{script}{image}' \" \u2028\u202e\u0000{{{{page.js}}}}"
    return result(seconds=2, target=text, scenario=text, weir=text, started=text, command=[text, {}],
                  reason=text, valid=False, limited_by=text, options={text: text, "__proto__": text},
                  environment={text: text, "toString": 1, "system": [script]},
                  thresholds=[{"text": text, "figure": text, "holds": text}, None, 7],
                  timeline=[None, 3, {"at_s": "x"}, {"at_s": 2, "rate": text},
                            {"at_s": 1, "rate": 1e308, "p50_us": -1, "p99_us": 0}],
                  percentiles=[{"percentile": 200, "us": 1}, {"percentile": -5, "us": 1}, "x"],
                  latency_us=text, server=[text], generator=3, rate=text, errors=text,
                  find_max={"trials": text, "best": text, "of": text, "threshold": text})
