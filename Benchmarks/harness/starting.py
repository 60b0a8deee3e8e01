"""From exec to the first answer, and what a server holds that has answered once."""

import os
import statistics
import time

from . import processes, servers


def build_helper(folder):
    helper = os.path.join(folder, "firstanswer")
    source = os.path.join(servers.HERE, "cserver", "firstanswer.c")
    processes.capture(["cc", "-O2", "-Wall", "-Wextra", "-o", helper, source])
    return helper


def first_answers(peers, helper, core, generator_core, runs):
    """{server name: [milliseconds]}, interleaved."""
    times = {server.name: [] for server in peers}
    for _ in range(runs):
        for server in peers:
            command = [helper, str(server.port), "/hello", "-1" if core is None else str(core)]
            output, _ = processes.capture(
                command + server.command(), generator_core, server.environment)
            times[server.name].append(float(output) / 1000)
    return times


def idle_memory(server, core):
    """MiB after one answer and a moment of rest."""
    server.start(core)
    try:
        server.get("/hello")
        time.sleep(0.3)
        return processes.memory(server.pids())
    finally:
        server.stop()


def measure(peers, folder, core, generator_core, runs):
    """[(server name, median ms, least ms, idle memory)]."""
    times = first_answers(peers, build_helper(folder), core, generator_core, runs)
    return [
        (server.name, statistics.median(times[server.name]), min(times[server.name]),
         idle_memory(server, core))
        for server in peers
    ]
