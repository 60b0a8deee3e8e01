"""The event log: durable appends a second, and the delay from an append to its handler, for each storage, next to a
C program that does the same with the same client library and nothing else."""

import json
import os
import re
import socket
import statistics
import sys
import threading
import time
import urllib.request

from . import postgres, processes, servers

CALLERS = [1, 64, 512]
BYTES = 100
# Of the PostgreSQL peer's pipeline.
BATCHES_ON_THE_WAY = 2
# Events of one key are handled one after the other.
KEYS_DISPATCHED = 64
# Callers come in requests, which connections bring to the workers by chance: enough for each to get its share.
CALLERS_OF_A_REQUEST = 16


class Storage:
    """One storage, with the peer's command line for a number of callers."""

    def __init__(self, name, environment, peer, stop=lambda: None):
        self.name = name
        self.environment = environment
        self.peer = peer
        self.stop = stop


def compile_peer(folder, name, libraries):
    source = os.path.join(servers.HERE, "events", f"{name}.c")
    program = os.path.join(folder, name)
    processes.capture(["cc", "-O2", "-o", program, source] + libraries)
    return program


def storages(folder):
    """The storages that this machine has, each started when it is its turn."""
    yield Storage("memory", {}, None)
    peer = compile_peer(folder, "sqlite_peer", ["-lsqlite3"])
    yield Storage(
        "sqlite", {"BENCH_FILE": os.path.join(folder, "events.db")},
        lambda callers, seconds: [
            peer, os.path.join(folder, "peer.db"), str(callers), str(seconds * 1000), str(BYTES)])
    database = postgres.Postgres(folder, None)
    if database.is_installed():
        database.start()
        peer_pq = compile_peer(folder, "postgres_peer", ["-I/usr/include/postgresql", "-lpq"])
        yield Storage(
            "postgres", {"BENCH_DATABASE": database.connection},
            lambda callers, seconds: [
                peer_pq, database.connection, str(callers), str(seconds), str(BATCHES_ON_THE_WAY)],
            stop=database.stop)
    broker = Broker(folder)
    if broker.is_installed():
        broker.start()
        peer_kafka = compile_peer(folder, "kafka_peer", ["-lrdkafka"])
        yield Storage(
            "kafka", {"BENCH_BROKERS": broker.address},
            lambda callers, seconds: [
                peer_kafka, broker.address, "bench_stored", str(callers), str(seconds)],
            stop=broker.stop)


class Broker:
    """noida-db, which `scripts/setup test` installs: a process of its own that speaks Kafka's protocol."""

    def __init__(self, folder):
        self.program = os.path.join(os.path.dirname(servers.HERE), ".build", "kafka-peer", "noida-db")
        self.data = os.path.join(folder, "kafka")
        self.port = servers.free_port()
        self.process = None

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def is_installed(self):
        return os.access(self.program, os.X_OK)

    def start(self):
        self.process = processes.Process([
            self.program, "start", "--only", "kafka", "--kafka-port", str(self.port), "--data-dir", self.data])
        processes.wait_until(lambda: self.answers(), 20, "the Kafka server does not answer")

    def answers(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            return True
        except OSError:
            return False

    def stop(self):
        if self.process:
            self.process.end()


class EventSpacer(servers.Spacer):
    """Serves Benchmarks/events."""

    project = "events"

    def __init__(self, folder, storage, workers, has_triggers):
        super().__init__(folder)
        self.workers = workers
        self.has_triggers = has_triggers
        self.environment = {**self.environment, **storage.environment, "SPACER_ENV": storage.name}

    def adapt(self, project):
        """Without triggers nothing consumes. The Kafka server answers a fetch at once although it is told to wait for
        events, so that an idle consumer and it would keep both cores busy."""
        if self.has_triggers:
            return
        file = os.path.join(project, "config", "application.yml")
        with open(file) as source:
            text = source.read()
        with open(file, "w") as target:
            target.write(re.sub(r"^events:\n(  .*\n)+", "", text, flags=re.MULTILINE))

    def command(self):
        return super().command() + ["--no-write-proxy"]

    def post(self, path, body):
        request = urllib.request.Request(
            self.url(path), json.dumps(body).encode(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=120) as answer:
            return json.load(answer)["data"]

    def appends(self, callers, seconds, topic="stored", keys=1):
        """Events a second of so many concurrent callers, each with so many keys in turn."""
        results = []

        def ask(part, number):
            results.append(self.post("/append", {
                "callers": part, "seconds": seconds, "bytes": BYTES, "topic": topic, "key": f"k{number}-", "keys": keys}))

        threads = []
        left = callers
        while left > 0:
            part = min(left, CALLERS_OF_A_REQUEST)
            threads.append(threading.Thread(target=ask, args=(part, left)))
            left -= part
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return sum(result["count"] for result in results) / max(result["seconds"] for result in results)

    def dispatch(self, callers, seconds):
        """Events a second from the append to the end of their handlers."""
        before = self.handled()
        start = time.monotonic()
        self.appends(callers, seconds, "counted", KEYS_DISPATCHED if callers == 1 else 1)
        seen, last = None, start
        while True:
            handled = self.handled()
            if handled == seen:
                return (handled - before) / (last - start)
            seen, last = handled, time.monotonic()
            time.sleep(0.2)

    def handled(self):
        return self.get("/delays")["handled"]

    def delays(self, count):
        # A Kafka consumer joins its group after the start.
        self.post("/pace", {"count": 1, "key": "paced", "isFirst": True})
        processes.wait_until(lambda: self.handled() == 1, 20, "the first event does not arrive")
        self.post("/pace", {"count": count, "key": "paced", "isFirst": False})
        figures = {}

        def arrived():
            figures.update(self.get("/delays"))
            return figures["count"] >= count

        processes.wait_until(arrived, 20, "the events do not arrive")
        return figures["p50"], figures["p99"]


def say(storage, what, *figures):
    text = ", ".join("none" if figure is None else f"{figure:,.2f}" for figure in figures)
    print(f"  events, {storage.name}, {what}: {text}", file=sys.stderr)


def peer_rate(command):
    output, _ = processes.capture(command)
    return float(output.split()[0])


def measure_appends(storage, place, rounds, seconds):
    """Rows of (storage, callers, ours, the peer's), ours with a worker a core, as it is by default."""
    rows = []
    server = EventSpacer(
        os.path.join(place, f"spacer-{storage.name}"), storage, workers=os.cpu_count(),
        has_triggers=False)
    server.prepare()
    server.start(None)
    try:
        # An append to memory is done at once, so that callers there would run one after the other; and what it may
        # hold is bounded.
        is_memory = storage.peer is None
        for callers in CALLERS[:1] if is_memory else CALLERS:
            ours, theirs = [], []
            for _ in range(rounds):
                ours.append(server.appends(callers, 1 if is_memory else seconds))
                if storage.peer:
                    theirs.append(peer_rate(storage.peer(callers, seconds)))
            rows.append((
                storage.name, callers, statistics.median(ours), statistics.median(theirs) if theirs else None))
            say(storage, f"{callers} callers", *rows[-1][2:])
    finally:
        server.stop()
    return rows


def measure(folder, rounds, seconds):
    """Rows of (storage, callers, ours, the peer's, ratio), and of (storage, p50, p99), and the dispatch rates.

    Nothing is pinned: what stores is a thread or a process beside what serves, and the peers too may use every core.
    """
    appends, delays, dispatch = [], [], []
    place = os.path.join(folder, "events")
    os.makedirs(place, exist_ok=True)
    for storage in storages(place):
        try:
            appends += measure_appends(storage, place, rounds, seconds)
            # One worker: what handlers see is kept in its Lua state.
            server = EventSpacer(
                os.path.join(place, f"spacer-{storage.name}-handlers"), storage, workers=1, has_triggers=True)
            server.prepare()
            server.start(None)
            try:
                p50, p99 = server.delays(1000)
                delays.append((storage.name, p50, p99))
                say(storage, "delay", p50, p99)
                is_memory = storage.peer is None
                dispatch.append((storage.name, server.dispatch(1 if is_memory else 64, 1 if is_memory else seconds)))
                say(storage, "handled a second", dispatch[-1][1])
            finally:
                server.stop()
        finally:
            storage.stop()
    return appends, delays, dispatch
