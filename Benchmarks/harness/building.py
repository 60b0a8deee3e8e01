"""`spacer build` of a generated project next to one process that compiles the same files."""

import os
import re
import shutil
import statistics
import sys
import time

from . import modules, processes, servers


class Project:
    """A generated project on disk, and the one change that is made to it."""

    def __init__(self, folder, count, seed):
        self.folder = os.path.join(folder, "generated")
        self.files = modules.write(self.folder, count, seed)
        self.artifact = os.path.join(folder, "generated.spx")
        libraries = [path for path in self.files if f"{os.sep}lib{os.sep}" in path]
        self.changed = libraries[len(libraries) // 2]
        self.changes = 0
        with open(self.changed) as file:
            self.text = file.read()

    def forget_cache(self):
        shutil.rmtree(os.path.join(self.folder, ".spacer"), ignore_errors=True)

    def change(self):
        """A new constant in one library, other than any before."""
        self.changes += 1
        with open(self.changed, "w") as file:
            file.write(re.sub(r"M\.revision = \d+", f"M.revision = {1000 + self.changes}", self.text))

    def lines(self):
        total = 0
        for path in self.files:
            with open(path) as file:
                total += sum(1 for _ in file)
        return total


def steps(project, has_spacer, folder):
    """[(name, preparation that is not timed, command)]; the peers come first."""
    compile_script = os.path.join(servers.HERE, "harness", "compile.lua")
    bytecode = os.path.join(folder, "generated.luac")
    peers = [
        ("one Lua process, parse", lambda: None, ["lua5.4", compile_script, "-p", *project.files]),
        ("one Lua process, parse and write", lambda: None,
         ["lua5.4", compile_script, bytecode, *project.files]),
    ]
    if not has_spacer:
        return peers
    build = [servers.Spacer.tool("spacer"), "build", project.folder, "-o", project.artifact]
    return peers + [
        ("spacer build, cold", project.forget_cache, build),
        ("spacer build, nothing changed", lambda: None, build),
        ("spacer build, one module changed", project.change, build),
    ]


def measure(folder, has_spacer, count, seed, runs):
    """([(name, median wall ms, least wall ms, median CPU ms)], lines), interleaved, caches of the disk warm.

    Not pinned: a build may use every core. One round before the first is not counted.
    """
    project = Project(folder, count, seed)
    times = {}
    for run in range(runs + 1):
        for name, prepare, command in steps(project, has_spacer, folder):
            prepare()
            start = time.monotonic()
            _, cpu = processes.capture(command)
            wall = time.monotonic() - start
            if run > 0:
                times.setdefault(name, []).append((wall * 1000, cpu * 1000))
        print(f"  build, round {run}/{runs}", file=sys.stderr)
    rows = [
        (name, statistics.median(wall for wall, _ in pairs), min(wall for wall, _ in pairs),
         statistics.median(cpu for _, cpu in pairs))
        for name, pairs in times.items()
    ]
    return rows, project.lines()
