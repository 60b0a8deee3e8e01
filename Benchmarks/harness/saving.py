"""From a save to the first answer by new code: `spacer dev` next to nginx without its code cache, and to a build."""

import os
import re
import shutil
import statistics
import sys
import time

from . import modules, processes, servers

MARK = "@REVISION@"
# LuaJIT has no operators on bits.
LUAJIT = [
    ("hash = ((hash << 5) ~ (hash >> 2) ~ text:byte(index)) & 0xFFFFFFFF",
     "hash = bit.band(bit.bxor(bit.lshift(hash, 5), bit.rshift(hash, 2), text:byte(index)), 0x7FFFFFFF)"),
]


def read(path):
    with open(path) as file:
        return file.read()


def write(path, text):
    with open(path, "w") as file:
        file.write(text)


class Project:
    """A generated project, one of whose functions answers with a revision of itself and of a library."""

    def __init__(self, folder, count, seed, for_luajit=False):
        self.folder = folder
        self.files = modules.write(folder, count, seed)
        gateway = read(os.path.join(folder, "app", "gateway.lua"))
        routes = re.findall(r'"GET", "(/[^":]+/):id", "([^"]+)"', gateway)
        prefix, name = routes[len(routes) // 2]
        self.path = prefix + "7"
        self.function = os.path.join(folder, "app", name + ".lua")
        self.original = read(self.function)
        library = re.search(r'local (\w+) = require "([^"]+)"', self.original)
        self.local, required = library.groups()
        self.library = os.path.join(folder, "lib", required + ".lua")
        self.library_text = read(self.library)
        if for_luajit:
            self.translate()

    def translate(self):
        for path in self.files:
            text = read(path)
            for ours, theirs in LUAJIT:
                text = text.replace(ours, theirs)
            write(path, text)
        self.original, self.library_text = read(self.function), read(self.library)

    def answer_with(self, revision):
        """The function's text. It answers at once: what generated functions compute takes longer than any save."""
        start = "return function(args)\n"
        return self.original.replace(start, f"{start}  if args.id then return {{ revision = {revision} }} end\n")

    def mark_function(self):
        """The saved file is the function's; returns it."""
        write(self.library, self.library_text)
        write(self.function, self.answer_with(MARK))
        return self.function

    def mark_library(self):
        """The saved file is that of a library which the function requires; returns it."""
        write(self.library, re.sub(r"M\.revision = \d+", f"M.revision = {MARK}", self.library_text))
        write(self.function, self.answer_with(self.local + ".revision"))
        return self.library

    def unmark(self, path):
        write(path, read(path).replace(MARK, "0"))


class Dev(servers.Spacer):
    name = "spacer dev"
    environment = {"SPACER_ENV": "development"}

    def __init__(self, folder, project):
        super().__init__(folder)
        self.source = project.folder

    def prepare(self):
        pass

    def command(self):
        return [self.tool("spacer"), "dev", self.source, "--port", str(self.port)]


class UncachedNginx(servers.Nginx):
    name = "nginx + Lua, code cache off"
    configuration_source = "saving.conf.in"

    def __init__(self, folder, project):
        super().__init__(folder)
        self.source = project.folder

    def prepare(self):
        super().prepare()
        write(self.configuration, read(self.configuration).replace("@PROJECT@", self.source))


def build_helper(folder):
    helper = os.path.join(folder, "savepoll")
    source = os.path.join(servers.HERE, "cserver", "savepoll.c")
    processes.capture(["cc", "-O2", "-Wall", "-Wextra", "-o", helper, source])
    return helper


def delays(helper, server, project, mark, saves):
    """Milliseconds of each save but the first ten, which find nothing warm."""
    file = mark()
    project.unmark(file)
    server.start(None)
    mark()
    try:
        output, _ = processes.capture([helper, str(server.port), project.path, file, str(saves + 10)])
    finally:
        server.stop()
    return [float(line) / 1000 for line in output.split()][10:]


def row(name, times):
    ordered = sorted(times)
    rank = lambda share: ordered[min(len(ordered) - 1, int(len(ordered) * share))]
    return name, len(ordered), statistics.median(ordered), rank(0.99), ordered[-1]


def cold_builds(folder, project, runs):
    times = []
    for _ in range(runs):
        shutil.rmtree(os.path.join(project.folder, ".spacer"), ignore_errors=True)
        start = time.monotonic()
        processes.capture(
            [servers.Spacer.tool("spacer"), "build", project.folder, "-o", os.path.join(folder, "cold.spx")])
        times.append((time.monotonic() - start) * 1000)
    return times


def measure(folder, has_spacer, count, seed, saves, runs):
    """[(what, saves, p50 ms, p99 ms, most ms)]. Nothing is pinned: a build may use every core."""
    helper = build_helper(folder)
    rows = []
    if has_spacer:
        project = Project(os.path.join(folder, "project"), count, seed)
        for what, mark in [("its function", project.mark_function), ("a library", project.mark_library)]:
            server = Dev(os.path.join(folder, what.replace(" ", "-")), project)
            rows.append(row(f"{server.name}, {what} saved", delays(helper, server, project, mark, saves)))
            print(f"  dev: {rows[-1][0]}", file=sys.stderr)
    peer = Project(os.path.join(folder, "luajit"), count, seed, for_luajit=True)
    server = UncachedNginx(folder, peer)
    server.prepare()
    rows.append(row(server.name, delays(helper, server, peer, peer.mark_function, saves)))
    print(f"  dev: {server.name}", file=sys.stderr)
    if has_spacer:
        project.unmark(project.mark_function())
        rows.append(row("spacer build, cold", cold_builds(folder, project, runs)))
    return rows
