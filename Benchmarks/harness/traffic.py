"""Requests under load: rounds of one server after the other, so that a slow minute of the machine
falls on all of them alike, and the median of the rounds."""

import json
import os
import statistics
import sys

from . import processes, servers

CONNECTIONS = 64
WARM_UP_SECONDS = "1s"


class Scenario:
    def __init__(self, name, path, expected, body=None, closes=False, connections=CONNECTIONS):
        self.name, self.path, self.expected, self.body = name, path, expected, body
        self.closes = closes
        self.connections = connections


def scenarios():
    hello = "Hello from Spacer!"
    echo = servers.echo_value()
    rows = [{"id": row, "name": f"item {row}"} for row in range(1, 501)]
    body = json.dumps(echo, separators=(",", ":")).encode()
    return [
        Scenario("hello", "/hello", hello),
        Scenario("two parameters", "/users/42/posts/7", {"user": "42", "post": "7"}),
        Scenario("echo of 1 KiB JSON", "/echo", echo, body=body),
        Scenario("list of 500 rows", "/list", rows),
        Scenario("a connection per request", "/hello", hello, closes=True),
    ]


class Generator:
    """wrk on its own core."""

    def __init__(self, folder, core):
        self.core = core
        self.body_file = os.path.join(folder, "body.json")

    def load(self, server, scenario, duration):
        command = [
            "wrk", "--threads", "1", "--connections", str(scenario.connections), "--duration", duration,
            "--latency", "--script", os.path.join(servers.HERE, "wrk", "load.lua"),
        ]
        if scenario.closes:
            command += ["--header", "Connection: close"]
        command.append(server.url(scenario.path))
        if scenario.body is not None:
            with open(self.body_file, "wb") as file:
                file.write(scenario.body)
            command += ["--", self.body_file]
        output, cpu = processes.capture(command, self.core)
        line = next(line for line in output.splitlines() if line.startswith("RESULT "))
        return json.loads(line.removeprefix("RESULT ")), cpu


def measure_once(server, scenario, generator, seconds):
    """One round: what wrk saw, and what the server's processes and the rest of the machine used."""
    pids = server.pids()
    busy, cpu = processes.busy_seconds(), processes.cpu_seconds(pids)
    result, generator_cpu = generator.load(server, scenario, f"{seconds}s")
    cpu = processes.cpu_seconds(pids) - cpu
    busy = processes.busy_seconds() - busy
    server.empty_logs()
    errors = sum(result[kind] for kind in ("connect", "read", "write", "status", "timeout"))
    if result["requests"] == 0:
        raise RuntimeError(f"{server.name} answered no request of '{scenario.name}'")
    return {
        "rate": result["requests"] / result["seconds"],
        "p50": result["p50"],
        "p99": result["p99"],
        "cpu": cpu / result["requests"] * 1e6,
        "used": cpu / result["seconds"],
        "errors": errors,
        "others": max(0.0, busy - cpu - generator_cpu) / result["seconds"],
    }


def run_scenario(scenario, peers, generator, core, rounds, seconds):
    """{server name: {"rounds": [figures of a round], "memory": MiB}} for one scenario."""
    figures = {server.name: {"rounds": []} for server in peers}
    try:
        for server in peers:
            server.start(core)
            answer = server.get(scenario.path, scenario.body)
            if answer != scenario.expected:
                raise RuntimeError(f"{server.name} answers {scenario.path} with {str(answer)[:200]}")
            generator.load(server, scenario, WARM_UP_SECONDS)
            server.empty_logs()
        for number in range(1, rounds + 1):
            for server in peers:
                round = measure_once(server, scenario, generator, seconds)
                figures[server.name]["rounds"].append(round)
                print(
                    f"  {scenario.name}, round {number}/{rounds}, {server.name}: "
                    f"{round['cpu']:.2f} µs, {round['rate']:,.0f}/s", file=sys.stderr)
        for server in peers:
            figures[server.name]["memory"] = processes.memory(server.pids())
    finally:
        for server in peers:
            server.stop()
    return figures


def median(figures, name, figure):
    return statistics.median(round[figure] for round in figures[name]["rounds"])


def ratio(figures, name, other, figure="cpu"):
    """Median over rounds of one server's figure by another's in the same round."""
    pairs = zip(figures[name]["rounds"], figures[other]["rounds"])
    return statistics.median(one[figure] / two[figure] for one, two in pairs)


def spread(figures, name, figure="cpu"):
    values = [round[figure] for round in figures[name]["rounds"]]
    return (max(values) - min(values)) / statistics.median(values)
