"""The result of a run at scale, as text."""

from text import percent


def size(count):
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if abs(count) >= factor:
            return f"{count / factor:.2f} {unit}"
    return f"{count:.0f} B"


def failed(result):
    """Targets that surely do not hold."""
    found = [f"echo {name}" for name, one in result["echo"].items() if one["verdict"] == "fails"]
    return found + (["memory"] if result["memory"]["servers_verdict"] == "fails" else [])


def connecting(one):
    tenths = one["tenths"]
    cpu = one["cpu_us"]
    return (f"connecting   {one['seconds']:.2f} s, {one['rate']:,} a second; the first tenth at "
            f"{tenths[0]:,}, the last at {tenths[-1]:,}: {one['last_to_first']:.2f} x\n"
            f"             CPU of a connection: servers {cpu['servers']:.1f} µs, "
            f"generator {cpu['generator']:.1f} µs")


def memory_lines(memory):
    growth = memory["growth"]

    def grown(name):
        return f"{size(growth[name]['bytes'])}, {growth[name]['per_connection']:,.0f} B a connection"
    return [
        f"servers      {grown('servers')} (Private_Dirty); at most {memory['servers_bar']}: "
        f"{memory['servers_verdict']}",
        f"kernel       {grown('kernel')}, both ends (Slab, KernelStack, PageTables, Percpu); "
        f"by what is no more free: {grown('kernel_by_difference')}",
        f"             waiting in queues: {grown('queued')}; "
        f"{memory['held']['sockets']:,} TCP sockets in use",
        f"generator    {grown('generator')} (Private_Dirty)",
        f"             least memory available on the way: {size(memory['least_available'])}",
    ]


def echo_line(name, one):
    ratio, drift = one["ratio"], one["after_to_before"]
    return (f"echo {name:7} {one['unloaded_us']:.2f} µs alone, {one['held_us']:.2f} µs with all held: "
            f"{ratio['median']:.3f} x [{ratio['low']:.3f}, {ratio['high']:.3f}], at most "
            f"{one['bar']:.2f}: {one['verdict']}; after against before {drift['median']:.3f} x")


def summary(result):
    p99 = result["answer_latency_us"]["p99"] / 1e3
    quiet = percent(result["quiet_share"])
    lines = [f"{result['connections']:,} connections held, {result['answered']:,} answered, "
             f"{result['errors']:,} errors; {result['servers']} servers, {result['agents']} agents, "
             f"{result['sources']} source addresses",
             connecting(result["connect"]),
             f"answering    {result['answering_s']:.2f} s; p99 {p99:.1f} ms",
             *memory_lines(result["memory"]),
             f"quiet        the servers used {quiet} of a CPU while nothing was said",
             *(echo_line(name, one) for name, one in result["echo"].items()),
             f"closing      {result['closing_s']:.2f} s"]
    if result["reason"]:
        lines.append(f"not valid    {result['reason']}")
    for name, one in result["sysctl_lacking"].items():
        lines.append(f"advisable    sysctl -w {name}='{' '.join(map(str, one['advisable']))}', now "
                     f"{' '.join(map(str, one['now']))}: {one['why']}")
    return "\n".join(lines) + "\n"
