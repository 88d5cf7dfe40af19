"""What an echo costs a server, alone and beside connections that are held."""

import json
import os
import statistics
import subprocess

import figures
import machine
import scale_hold

CONNECTIONS = 50
ROUND = {"duration": "1s", "warmup": "200ms"}
BAR = 1.10
PATIENCE = 30  # Seconds for a round.


def once(build, url, pid):
    """CPU of the server for each message, in µs, and how busy its core was."""
    words = [str(build / "bin" / "weir"), "bench", "echo", url, "--connections", str(CONNECTIONS),
             "--json", "--server-pid", str(pid), "--cpu", str(machine.LOAD_CORE)]
    for name, value in ROUND.items():
        words += [f"--{name}", value]
    scale_hold.pin(pid, {machine.SERVER_CORE})
    process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True, start_new_session=True)
    try:
        output, errors = process.communicate(timeout=PATIENCE)
    finally:
        scale_hold.end_all(process)
        scale_hold.pin(pid, os.sched_getaffinity(0))
    try:
        found = json.loads(output)
    except ValueError:
        raise scale_hold.ScaleError(f"an echo beside could not be measured: {errors.strip()}") from None
    # Where the generator was the limit the CPU of the server is what it is all the same.
    if not found["valid"] and found["limited_by"] != "generator":
        raise scale_hold.ScaleError(f"an echo beside is not valid: {found['reason']}")
    return {"cpu_us": round(found["server"]["cpu_us_per_message"], 4),
            "share": round(found["server"]["cpu_share"], 3), "rate": round(found["rate"])}


def rounds(build, places, count):
    """In turn: so many rounds of each place, by name."""
    found = {name: [] for name in places}
    for _ in range(count):
        for name, (url, pid) in places.items():
            found[name].append(once(build, url, pid))
    return found


def judge(before, held, after):
    """The ratio of loaded to unloaded, round by round; unloaded is the mean of before and after."""
    def cpu(one):
        return dict(enumerate(each["cpu_us"] for each in one))

    alone = {number: statistics.mean(each["cpu_us"] for each in pair)
             for number, pair in enumerate(zip(before, after))}
    found = figures.ratio(cpu(held), alone)
    drift = figures.ratio(cpu(after), cpu(before))
    verdict = "holds" if found.high <= BAR else "fails" if found.low > BAR else "cannot tell"
    return {"unloaded_us": round(statistics.median(alone.values()), 3),
            "held_us": round(statistics.median(cpu(held).values()), 3),
            "ratio": found.to_json(), "after_to_before": drift.to_json(), "bar": BAR, "verdict": verdict,
            "rounds": {"before": before, "held": held, "after": after}}
