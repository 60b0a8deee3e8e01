"""What the commands `run` and `stages` share: cores, signals, where Spacer's executables are."""

import os
import signal
import sys

from . import servers


def add_spacer(parser):
    folder = os.path.normpath(os.path.join(servers.HERE, "..", ".build", "release"))
    parser.add_argument(
        "--spacer", metavar="FOLDER", default=folder, help="where spacer and spacer-serve are")


def cores():
    """(server's, generator's); None where the machine has only one, or allows only one."""
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) < 2:
        print("bench: one core only: nothing is pinned, and the figures mean little", file=sys.stderr)
        return None, None
    return allowed[0], allowed[1]


def end_on_signals():
    """Turns them into SystemExit, so that `finally` ends every process."""

    def stop(number, _):
        raise SystemExit(128 + number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
