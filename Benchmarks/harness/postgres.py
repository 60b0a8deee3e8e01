"""A PostgreSQL cluster of its own in the benchmark's folder, on a Unix socket."""

import glob
import os
import shutil

from . import processes


class Postgres:
    def __init__(self, folder, core):
        self.folder = os.path.join(folder, "postgres")
        self.core = core
        self.process = None
        self.binaries = sorted(glob.glob("/usr/lib/postgresql/*/bin"))

    def is_installed(self):
        return bool(self.binaries)

    def run_as(self, *command):
        """PostgreSQL refuses to run as root."""
        if os.getuid() != 0:
            return list(command)
        return [shutil.which("runuser") or "/usr/sbin/runuser", "-u", "postgres", "--", *command]

    @property
    def connection(self):
        return f"host={self.folder} dbname=postgres user=postgres"

    def start(self):
        os.makedirs(self.folder)
        os.chmod(os.path.dirname(self.folder), 0o755)
        if os.getuid() == 0:
            shutil.chown(self.folder, "postgres")
        data = os.path.join(self.folder, "data")
        tool = lambda name: os.path.join(self.binaries[-1], name)
        processes.capture(self.run_as(
            tool("initdb"), "--pgdata", data, "--username", "postgres", "--auth", "trust", "--no-sync"))
        self.process = processes.Process(
            self.run_as(tool("postgres"), "-D", data, "-k", self.folder, "-c", "listen_addresses="),
            self.core)
        processes.wait_until(
            lambda: self.answers(tool("psql"), "SELECT 1"), 20, "PostgreSQL does not answer")
        self.answers(tool("psql"), (
            "CREATE TABLE items (id integer PRIMARY KEY, name text NOT NULL);"
            "INSERT INTO items SELECT number, 'item ' || number FROM generate_series(1, 1000) number"))
        return self

    def answers(self, psql, statement):
        try:
            processes.capture([psql, self.connection, "--quiet", "--command", statement])
            return True
        except RuntimeError:
            return False

    def stop(self):
        if self.process:
            self.process.end()
