"""Samples of a server under load, summed by stage. stages.table says what belongs to which."""

import collections
import os
import re
import shutil
import subprocess

from . import processes, servers

SAMPLES_PER_SECOND = 4999
FRAME = re.compile(r"^\s*[0-9a-f]+ (.*) \((.*)\)$")


class Rule:
    def __init__(self, stage, place, function):
        self.stage, self.place, self.function = stage, re.compile(place), re.compile(function)

    def holds(self, frame):
        function, place = frame
        return bool(self.place.search(place) and self.function.search(function))


def rules(path):
    """Raises RuntimeError with the line that is not three columns."""
    found = []
    with open(path) as file:
        for number, line in enumerate(file, 1):
            line = line.strip()
            if not line or line.startswith("#"):
                continue
            columns = re.split(r"\s{2,}", line)
            if len(columns) != 3:
                raise RuntimeError(f"{path}:{number}: {len(columns)} columns, not three")
            found.append(Rule(*columns))
    return found


def frame(line):
    """(function, place) of one line of perf script, or None. Every kernel place is [kernel]."""
    match = FRAME.match(line)
    if not match:
        return None
    function, place = match.groups()
    function = re.sub(r"\+0x[0-9a-f]+$", "", function)
    kernel = place.startswith(("[kernel", "[guest.kernel")) or place.endswith(".ko")
    return function, "[kernel]" if kernel else place


def samples(text):
    """Call chains, the innermost frame first."""
    for part in text.split("\n\n"):
        frames = [found for found in map(frame, part.splitlines()) if found]
        if frames:
            yield frames


def demangle(names):
    """{mangled: readable} of the Swift names; nothing is changed where there is no swift-demangle."""
    mangled = [name for name in names if re.match(r"_?\$[sS]", name)]
    tool = shutil.which("swift-demangle")
    command = [tool, "--compact"] if tool else ["swift", "demangle", "--compact"]
    if not mangled or not shutil.which(command[0]):
        return {}
    result = subprocess.run(command, input="\n".join(mangled), capture_output=True, text=True, timeout=60)
    return dict(zip(mangled, result.stdout.splitlines()))


def stage(frames, table):
    """The stage of a sample. A sample in the kernel is decided by its kernel frames alone."""
    in_kernel = frames[0][1] == "[kernel]"
    for current in frames:
        if in_kernel and current[1] != "[kernel]":
            break
        for rule in table:
            if rule.holds(current):
                return rule.stage
    return "kernel: other" if in_kernel else f"unnamed: {os.path.basename(frames[0][1])}"


def summary(text, table):
    """(samples by stage, by (stage, innermost function), samples)."""
    chains = list(samples(text))
    readable = demangle({function for chain in chains for function, _ in chain})
    by_stage, by_function = collections.Counter(), collections.Counter()
    for chain in chains:
        chain = [(readable.get(function, function), place) for function, place in chain]
        found = stage(chain, table)
        by_stage[found] += 1
        by_function[found, chain[0][0]] += 1
    return by_stage, by_function, len(chains)


class Recording:
    """perf, sampling the server's processes until `finish`."""

    def __init__(self, pids, folder):
        self.data = os.path.join(folder, "perf.data")
        self.log = os.path.join(folder, "perf.log")
        command = [
            "perf", "record", "--event", "cpu-clock", "--freq", str(SAMPLES_PER_SECOND), "--call-graph", "fp",
            "--pid", ",".join(map(str, pids)), "--output", self.data,
        ]
        self.process = processes.Process(command, log=self.log)
        processes.wait_until(lambda: os.path.exists(self.data) or self.process.has_ended(), 10, "perf starts")

    def finish(self):
        """What perf script prints. Raises RuntimeError with perf's own words when it could not record."""
        self.process.end(10)
        if not os.path.exists(self.data) or os.path.getsize(self.data) == 0:
            with open(self.log) as file:
                raise RuntimeError(f"perf could not record:\n{file.read()}")
        command = ["perf", "script", "--input", self.data, "--fields", "ip,sym,symoff,dso", "--force"]
        result = subprocess.run(command, capture_output=True, text=True, errors="replace")
        if result.returncode != 0:
            raise RuntimeError(f"perf script failed:\n{result.stderr[-2000:]}")
        return result.stdout


def record(server, scenario, generator, seconds, folder):
    recording = Recording(server.pids(), folder)
    try:
        generator.load(server, scenario, f"{seconds}s")
    finally:
        text = recording.finish()
    return text


def default_table():
    return os.path.join(servers.HERE, "stages.table")
