"""The servers that are compared, each as one command line that runs in the foreground.

A server answers the routes of Benchmarks/app on loopback, with one worker, and writes an access log as
far as it has one. `prepare` is done once (compile, render a configuration), `start` for each use.
"""

import json
import os
import random
import shutil
import socket
import urllib.request

from . import processes

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def free_port():
    """Below the ephemeral ports, so that no client's own port can be a server's."""
    with open("/proc/sys/net/ipv4/ip_local_port_range") as file:
        end = int(file.read().split()[0])
    for _ in range(1000):
        port = random.randrange(max(1024, end // 2), max(end, 2048))
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise RuntimeError("no free port")


def echo_value():
    """What POST /echo sends: 1,024 bytes of JSON of the kinds that bodies have."""
    value = {
        "order": 81234, "paid": True, "total": 149.95, "note": None,
        "customer": {"name": "Ada Lovelace", "email": "ada@example.com", "tags": ["new", "eu"]},
        "lines": [
            {"sku": f"A-{1000 + line}", "title": f"Part number {line}", "count": line, "price": line * 2.5}
            for line in range(1, 12)
        ],
        "padding": "",
    }
    compact = json.dumps(value, separators=(",", ":"))
    value["padding"] = "x" * (1024 - len(compact))
    return value


class Server:
    name = ""
    environment = {}

    def __init__(self, folder):
        self.folder = os.path.join(folder, self.name.replace(" ", "-"))
        os.makedirs(self.folder)
        self.port = free_port()
        self.process = None
        self.logs = [os.path.join(self.folder, "output.log")]

    def prepare(self):
        """What is needed once before `command` can run."""

    def command(self):
        raise NotImplementedError

    def url(self, path):
        return f"http://127.0.0.1:{self.port}{path}"

    def start(self, core):
        self.process = processes.Process(self.command(), core, self.logs[0], self.environment)
        processes.wait_until(self.answers, 10, f"{self.name} does not answer on port {self.port}")
        return self

    def answers(self):
        if self.process.has_ended():
            with open(self.logs[0], errors="replace") as file:
                raise RuntimeError(f"{self.name} ended at once:\n{file.read()[-2000:]}")
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            return True
        except OSError:
            return False

    def stop(self):
        if self.process:
            self.process.end()
            self.process = None

    def get(self, path, body=None):
        """The decoded `data` of an answer; raises when the status is not 200."""
        request = urllib.request.Request(self.url(path), data=body)
        if body is not None:
            request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=10) as response:
            return json.load(response)["data"]

    def pids(self):
        return processes.tree(self.process.pid)

    def empty_logs(self):
        for path in self.logs:
            if os.path.exists(path):
                os.truncate(path, 0)


class CLimit(Server):
    name = "C limit"

    def prepare(self):
        self.executable = os.path.join(self.folder, "server")
        source = os.path.join(HERE, "cserver", "server.c")
        processes.capture(["cc", "-O2", "-Wall", "-Wextra", "-o", self.executable, source])
        self.echo_file = os.path.join(self.folder, "echo.json")
        with open(self.echo_file, "w") as file:
            json.dump(echo_value(), file, separators=(",", ":"))

    def command(self):
        return [self.executable, str(self.port), self.echo_file]


class Nginx(Server):
    name = "nginx + Lua"
    configuration_source = "nginx.conf.in"

    def prepare(self):
        with open(os.path.join(HERE, "nginx", self.configuration_source)) as file:
            text = file.read()
        self.configuration = os.path.join(self.folder, "nginx.conf")
        with open(self.configuration, "w") as file:
            file.write(text.replace("@PREFIX@", self.folder).replace("@PORT@", str(self.port)))
        self.logs.append(os.path.join(self.folder, "access.log"))
        # nginx started by root gives its worker's temporary folders to another user, who must get in.
        os.chmod(os.path.dirname(self.folder), 0o755)

    def command(self):
        executable = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin")
        return [executable, "-p", self.folder, "-c", self.configuration]


class Spacer(Server):
    name = "Spacer"
    environment = {"SPACER_ENV": "production"}
    binaries = ""
    project = "app"
    workers = 1

    @classmethod
    def find(cls, binaries):
        """True when both executables are in the folder."""
        cls.binaries = os.path.abspath(binaries)
        return all(os.access(cls.tool(name), os.X_OK) for name in ("spacer", "spacer-serve"))

    @classmethod
    def tool(cls, name):
        return os.path.join(cls.binaries, name)

    def prepare(self):
        self.artifact = os.path.join(self.folder, "app.spx")
        project = os.path.join(self.folder, "app")
        shutil.copytree(os.path.join(HERE, self.project), project, ignore=shutil.ignore_patterns(".spacer"))
        self.adapt(project)
        processes.capture([self.tool("spacer"), "build", project, "-o", self.artifact])

    def adapt(self, project):
        """Changes the copy that is built."""

    def command(self):
        return [
            self.tool("spacer-serve"), self.artifact, "--port", str(self.port), "--host", "127.0.0.1",
            "--workers", str(self.workers),
        ]
