"""The event log: durable appends a second, and the delay from an append to its handler, for each storage, next to a
C program that does the same with the same client library and nothing else."""

import json
import os
import socket
import statistics
import threading
import time
import urllib.request

from . import postgres, processes, servers

CALLERS = [1, 64, 512]
BYTES = 100
# flow.all takes so many calls.
CALLERS_OF_A_REQUEST = 256


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


def storages(folder, core):
    """The storages that this machine has, each started when it is its turn."""
    yield Storage("memory", {}, None)
    peer = compile_peer(folder, "sqlite_peer", ["-lsqlite3"])
    yield Storage(
        "sqlite", {"BENCH_FILE": os.path.join(folder, "events.db")},
        lambda callers, milliseconds: [
            peer, os.path.join(folder, "peer.db"), str(callers), str(milliseconds), str(BYTES)])
    database = postgres.Postgres(folder, core)
    if database.is_installed():
        database.start()
        peer_pq = compile_peer(folder, "postgres_peer", ["-I/usr/include/postgresql", "-lpq"])
        yield Storage(
            "postgres", {"BENCH_DATABASE": database.connection},
            lambda callers, milliseconds: [
                peer_pq, database.connection, str(callers), str(milliseconds), str(BYTES)],
            stop=database.stop)
    broker = Broker(folder)
    if broker.is_installed():
        broker.start()
        peer_kafka = compile_peer(folder, "kafka_peer", ["-lrdkafka"])
        yield Storage(
            "kafka", {"BENCH_BROKERS": broker.address},
            lambda callers, milliseconds: [
                peer_kafka, broker.address, str(callers), str(milliseconds), str(BYTES)],
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

    def __init__(self, folder, storage):
        super().__init__(folder)
        self.environment = {**self.environment, **storage.environment, "SPACER_ENV": storage.name}

    def command(self):
        return super().command() + ["--no-write-proxy"]

    def post(self, path, body):
        request = urllib.request.Request(
            self.url(path), json.dumps(body).encode(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=120) as answer:
            return json.load(answer)["data"]

    def appends(self, callers, seconds, topic="stored"):
        """Events a second of so many concurrent callers."""
        results = []

        def ask(part, number):
            results.append(self.post("/append", {
                "callers": part, "seconds": seconds, "bytes": BYTES, "topic": topic, "key": f"k{number}-"}))

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

    def dispatch(self, seconds):
        """Events a second from the append to the end of their handlers."""
        before = self.handled()
        start = time.monotonic()
        self.appends(64, seconds, "counted")
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
        self.post("/pace", {"count": count, "key": "paced"})
        figures = {}

        def arrived():
            figures.update(self.get("/delays"))
            return figures["count"] >= count

        processes.wait_until(arrived, 20, "the events do not arrive")
        return figures["p50"], figures["p99"]


def peer_rate(command, core):
    output, _ = processes.capture(command, core)
    return float(output.split()[0])


def measure(folder, core, peer_core, rounds, seconds):
    """Rows of (storage, callers, ours, the peer's, ratio), and of (storage, p50, p99), and the dispatch rates."""
    appends, delays, dispatch = [], [], []
    place = os.path.join(folder, "events")
    os.makedirs(place, exist_ok=True)
    for storage in storages(place, peer_core):
        try:
            server = EventSpacer(os.path.join(place, storage.name), storage)
            server.prepare()
            server.start(core)
            try:
                for callers in CALLERS:
                    ours, theirs = [], []
                    for _ in range(rounds):
                        ours.append(server.appends(callers, seconds))
                        if storage.peer:
                            theirs.append(peer_rate(storage.peer(callers, seconds * 1000), core))
                    appends.append((
                        storage.name, callers, statistics.median(ours),
                        statistics.median(theirs) if theirs else None))
                p50, p99 = server.delays(1000)
                delays.append((storage.name, p50, p99))
                dispatch.append((storage.name, server.dispatch(seconds)))
            finally:
                server.stop()
        finally:
            storage.stop()
    return appends, delays, dispatch
