"""Processes that the harness starts: pinned, accounted for, and ended whatever happens.

Everything runs in a session of its own and gets SIGTERM from the kernel when the harness dies, so that
neither Ctrl-C nor a crash leaves a server behind. Only processes started here are ever signalled.

CPU time comes from the first field of /proc/PID/task/*/schedstat: nanoseconds on a core as the
scheduler counts them, where utime and stime of /proc/PID/stat have a resolution of 10 ms. It includes
the kernel's work on behalf of the process, and the soft interrupts that happened to run on top of it.
"""

import ctypes
import glob
import os
import signal
import subprocess
import time

PR_SET_PDEATHSIG = 1
libc = ctypes.CDLL(None)
running = []


def preparation(core):
    """What a child does between fork and exec."""

    def prepare():
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if core is not None:
            os.sched_setaffinity(0, {core})

    return prepare


class Process:
    """A child with the processes below it."""

    def __init__(self, command, core=None, log=None, environment=None):
        """Start `command` on `core` (None: any), its output appended to the file `log` (None: dropped)."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        output = os.open(log or os.devnull, flags, 0o644)
        try:
            self.child = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                start_new_session=True, preexec_fn=preparation(core),
                env={**os.environ, **(environment or {})})
        finally:
            os.close(output)
        running.append(self)

    @property
    def pid(self):
        return self.child.pid

    def has_ended(self):
        return self.child.poll() is not None

    def end(self, limit_seconds=3.0):
        """SIGTERM, and SIGKILL to the session's processes when they take too long."""
        if not self.has_ended():
            self.child.terminate()
            try:
                self.child.wait(limit_seconds)
            except subprocess.TimeoutExpired:
                os.killpg(self.pid, signal.SIGKILL)
                self.child.wait()
        if self in running:
            running.remove(self)


def end_all():
    for process in list(running):
        process.end()


def capture(command, core=None, environment=None):
    """Run to the end; returns (standard output, CPU seconds). Raises RuntimeError on failure."""
    child = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        start_new_session=True, preexec_fn=preparation(core), text=True,
        env={**os.environ, **(environment or {})})
    try:
        output = child.stdout.read()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    except BaseException:
        child.terminate()
        child.wait()
        raise
    finally:
        child.stdout.close()
    if child.returncode != 0:
        raise RuntimeError(f"{command[0]} failed ({child.returncode}):\n{output[-2000:]}")
    return output, usage.ru_utime + usage.ru_stime


def tree(pid):
    """`pid` and its descendants."""
    children = {}
    for path in glob.glob("/proc/[0-9]*/stat"):
        try:
            with open(path) as file:
                fields = file.read().rpartition(")")[2].split()
        except OSError:
            continue
        children.setdefault(int(fields[1]), []).append(int(path.split("/")[2]))
    found = [pid]
    for parent in found:
        found.extend(children.get(parent, []))
    return found


def cpu_seconds(pids):
    total = 0
    for pid in pids:
        for path in glob.glob(f"/proc/{pid}/task/*/schedstat"):
            with open(path) as file:
                total += int(file.read().split()[0])
    return total / 1e9


def memory(pids):
    """MiB of the processes together: proportional (pss), resident (rss), highest resident (peak)."""
    sums = {"pss": 0, "rss": 0, "peak": 0}
    for pid in pids:
        with open(f"/proc/{pid}/smaps_rollup") as file:
            rollup = dict(line.split()[:2] for line in list(file)[1:])
        with open(f"/proc/{pid}/status") as file:
            status = dict(line.split(":", 1) for line in file if ":" in line)
        sums["pss"] += int(rollup["Pss:"])
        sums["rss"] += int(rollup["Rss:"])
        sums["peak"] += int(status["VmHWM"].split()[0])
    return {name: kibibytes / 1024 for name, kibibytes in sums.items()}


def busy_seconds():
    """What all cores of the machine have spent so far not idle, in any process and in none."""
    with open("/proc/stat") as file:
        user, nice, system, _, _, irq, softirq, steal = map(int, file.readline().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def wait_until(condition, limit_seconds, what):
    limit = time.monotonic() + limit_seconds
    while not condition():
        if time.monotonic() > limit:
            raise RuntimeError(f"{what} within {limit_seconds:g} s")
        time.sleep(0.002)
