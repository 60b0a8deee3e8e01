"""Calls that wait: many at once, calls from functions to functions, and what neighbours notice of a call that
never ends."""

import os
import statistics
import threading
import time
import urllib.error
import urllib.request

from . import postgres, processes, servers, traffic

WAITING_CALLS = 2000


class WaitingSpacer(servers.Spacer):
    """Serves Benchmarks/waiting."""

    project = "waiting"


class WaitingNginx(servers.Nginx):
    configuration_source = "waiting.conf.in"


def scenarios():
    hello = "Hello from Spacer!"
    return [
        traffic.Scenario(
            f"{WAITING_CALLS:,} calls at a time, each waits 50 ms", "/wait", "waited",
            connections=WAITING_CALLS),
        traffic.Scenario("a call to another function", "/flow", hello),
        traffic.Scenario("the same call over loopback HTTP", "/loopback", hello),
    ]


def query(folder, server, core, generator, rounds, seconds):
    """Figures of a handler with one PostgreSQL query; None where PostgreSQL is not installed.

    The database shares the generator's core. No peer: Debian has no PostgreSQL client for nginx with Lua.
    """
    database = postgres.Postgres(folder, generator.core)
    if not database.is_installed():
        return None
    try:
        database.start()
        server.environment = {**server.environment, "BENCH_DATABASE": database.connection}
        scenario = traffic.Scenario("one PostgreSQL query", "/query", {"id": 42, "name": "item 42"})
        return traffic.run_scenario(scenario, [server], generator, core, rounds, seconds)
    finally:
        database.stop()


def memory_per_call(server, core, generator):
    """KiB of the server for each call that waits, its connection included."""
    scenario = scenarios()[0]
    server.start(core)
    try:
        server.get("/hello")
        generator.load(server, traffic.Scenario("", "/hello", "", connections=WAITING_CALLS), "1s")
        before = processes.memory(server.pids())["pss"]
        load = threading.Thread(target=generator.load, args=(server, scenario, "2s"))
        load.start()
        time.sleep(1)
        during = processes.memory(server.pids())["pss"]
        load.join()
        return (during - before) * 1024 / WAITING_CALLS
    finally:
        server.stop()


def hostile(server, core, generator, seconds):
    """[(what runs beside, requests/s, p50 ms, p99 ms)] of hello."""
    rows = []
    for name, is_hostile in [("nothing", False), ("one endless call after the other", True)]:
        server.start(core)
        stop = threading.Event()

        def spin():
            while not stop.is_set():
                try:
                    urllib.request.urlopen(server.url("/spin"), timeout=10).read()
                except (urllib.error.URLError, OSError):
                    pass

        beside = threading.Thread(target=spin)
        try:
            if is_hostile:
                beside.start()
            result, _ = generator.load(server, traffic.Scenario("", "/hello", ""), f"{seconds}s")
            rows.append([
                name, f"{result['requests'] / result['seconds']:,.0f}", f"{result['p50'] / 1000:.2f}",
                f"{result['p99'] / 1000:.2f}",
                sum(result[kind] for kind in ("connect", "read", "write", "status", "timeout")),
            ])
        finally:
            stop.set()
            if is_hostile:
                beside.join()
            server.stop()
    return rows


def hook_cost(core):
    """Milliseconds of one run of the compute handler: no hook, every 1,000 instructions, never reached."""
    handler = os.path.join(servers.HERE, "waiting", "app", "compute.lua")
    script = os.path.join(servers.HERE, "harness", "hooks.lua")
    output, _ = processes.capture(["lua5.4", script, handler, "100"], core)
    return [float(word) for word in output.split()]


def compute_cost(server, core, generator, seconds):
    """CPU milliseconds of a request that computes, in the server itself."""
    scenario = traffic.Scenario("compute", "/compute", 606762)
    figures = traffic.run_scenario(scenario, [server], generator, core, 3, seconds)
    return statistics.median(round["cpu"] for round in figures[server.name]["rounds"]) / 1000
