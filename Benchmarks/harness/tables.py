"""The figures as Markdown."""

from . import traffic

MISSING = "—"


def table(header, rows):
    """Columns as wide as their longest cell, the first left-aligned, the others right-aligned."""
    cells = [header, *([str(cell) for cell in row] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]

    def line(row):
        aligned = [
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths))
        ]
        return "| " + " | ".join(aligned) + " |"

    rule = ["-" * width if column == 0 else "-" * (width - 1) + ":" for column, width in enumerate(widths)]
    return "\n".join([line(header), "| " + " | ".join(rule) + " |", *map(line, cells[1:])])


def heading(text, level=3):
    return f"\n{'#' * level} {text}\n"


def scenario(name, figures):
    rows = []
    for server, result in figures.items():
        value = lambda figure: traffic.median(figures, server, figure)
        rows.append([
            server, f"{value('cpu'):.2f}", f"{traffic.spread(figures, server):.0%}",
            f"{value('rate'):,.0f}", f"{value('p50') / 1000:.2f}", f"{value('p99') / 1000:.2f}",
            f"{value('used'):.0%}", f"{result['memory']['pss']:.1f}", f"{result['memory']['peak']:.1f}",
            sum(round["errors"] for round in result["rounds"]),
        ])
    header = [
        "server", "CPU µs/request", "spread", "requests/s", "p50 ms", "p99 ms", "core used", "PSS MiB",
        "peak MiB", "errors",
    ]
    return heading(name) + "\n" + table(header, rows)


def events(appends, delays, dispatch):
    rows = [
        [
            storage, callers, f"{ours:,.0f}", f"{peer:,.0f}" if peer else MISSING,
            f"{ours / peer:.2f}" if peer else MISSING,
        ]
        for storage, callers, ours, peer in appends
    ]
    yield heading("durable appends a second") + "\n" + table(
        ["storage", "callers", "Spacer", "C with the same library", "Spacer ÷ C"], rows)
    rows = [[storage, f"{p50:.2f}", f"{p99:.2f}"] for storage, p50, p99 in delays]
    yield heading("from the append to its handler") + "\n" + table(["storage", "p50 ms", "p99 ms"], rows)
    rows = [[storage, f"{rate:,.0f}"] for storage, rate in dispatch]
    yield heading("events handled a second, appends included") + "\n" + table(["storage", "events/s"], rows)


def ratios(results, ours, peers):
    """CPU per request of `ours` by that of each peer, a row a scenario."""
    header = ["scenario", f"{ours} µs", *(f"÷ {peer}" for peer in peers)]
    rows = []
    for name, figures in results.items():
        cells = [
            f"{traffic.ratio(figures, ours, peer):.2f}" if peer in figures else MISSING for peer in peers
        ]
        rows.append([name, f"{traffic.median(figures, ours, 'cpu'):.2f}", *cells])
    return heading(f"CPU per request: {ours} by the others") + "\n" + table(header, rows)


def noise(results):
    """A sentence when something else ran on the machine, else nothing."""
    shares = [
        round["others"]
        for figures in results.values() for result in figures.values() for round in result["rounds"]
    ]
    disturbed = sum(share > 0.1 for share in shares)
    if disturbed == 0:
        return ""
    return (
        f"\n**Disturbed**: in {disturbed} of {len(shares)} rounds other processes used more than a tenth "
        f"of a core (at most {max(shares):.0%}). Run again on a quiet machine.\n")


def starting(rows):
    header = ["server", "median ms", "least ms", "idle PSS MiB", "idle RSS MiB"]
    cells = [
        [name, f"{median:.2f}", f"{least:.2f}", f"{memory['pss']:.1f}", f"{memory['rss']:.1f}"]
        for name, median, least, memory in rows
    ]
    return heading("From exec to the first answer; memory after it") + "\n" + table(header, cells)


def building(rows, lines, modules):
    limit = dict((name, wall) for name, wall, _, _ in rows)["one Lua process, parse and write"]
    header = ["build", "median ms", "least ms", "CPU ms", "÷ parse and write"]
    cells = [
        [name, f"{wall:.1f}", f"{least:.1f}", f"{cpu:.1f}", f"{wall / limit:.2f}"]
        for name, wall, least, cpu in rows
    ]
    return heading(f"Build of {modules:,} modules, {lines:,} lines") + "\n" + table(header, cells)


def saving(rows, modules):
    header = ["what", "times", "p50 ms", "p99 ms", "most ms"]
    cells = [
        [name, count, f"{p50:.2f}", f"{p99:.2f}", f"{most:.2f}"] for name, count, p50, p99, most in rows
    ]
    return heading(f"From a save to the first answer by new code, {modules:,} modules") + "\n" + table(
        header, cells)


def waiting_memory(rows):
    header = ["server", "KiB per waiting call, its connection included"]
    return heading("Memory of a call that waits") + "\n" + table(
        header, [[name, f"{kibibytes:.1f}"] for name, kibibytes in rows])


def hostile(rows):
    header = ["beside hello runs", "requests/s", "p50 ms", "p99 ms", "errors"]
    return heading("Neighbours of a function that never ends (cpuMilliseconds 100)") + "\n" + table(header, rows)


def hooks(lua, served):
    """`lua`: milliseconds without a hook, with one every 1,000 instructions, with one that never fires."""
    plain, thousand, never = lua
    rows = [
        ["lua5.4, no hook", f"{plain:.2f}", "1.00"],
        ["lua5.4, count hook every 1,000 instructions", f"{thousand:.2f}", f"{thousand / plain:.2f}"],
        ["lua5.4, count hook never reached", f"{never:.2f}", f"{never / plain:.2f}"],
        *([f"{name}, whole request", f"{cost:.2f}", f"{cost / plain:.2f}"] for name, cost in served),
    ]
    return heading("A handler that only computes") + "\n" + table(["where", "CPU ms", "÷ no hook"], rows)
