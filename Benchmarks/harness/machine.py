"""What the figures were measured on."""

import os
import platform
import shutil
import subprocess

from . import servers


def output(*command):
    """A command's output in one line, or nothing when there is no such command."""
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return " ".join((result.stdout + result.stderr).split())


def processor():
    with open("/proc/cpuinfo") as file:
        names = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    virtual = "hypervisor" in open("/proc/cpuinfo").read()
    return f"{names[0] if names else platform.machine()}, {os.cpu_count()} cores" + (
        ", virtual" if virtual else "")


def memory_gibibytes():
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def debian(package):
    return output("dpkg-query", "--show", "--showformat", "${Version}", package)


def distribution():
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:
        return "unknown"


def describe(has_spacer, note):
    """Lines of a Markdown list."""
    commit = output("git", "-C", servers.HERE, "rev-parse", "--short", "HEAD")
    lines = [
        f"processor: {processor()}, {memory_gibibytes():.0f} GiB",
        f"system: {distribution()}, Linux {platform.release()}",
        f"nginx {debian('nginx')}, Lua module {debian('libnginx-mod-http-lua')}, "
        f"lua-cjson {debian('lua-cjson')}; {output('lua5.4', '-v').split(' Copyright')[0]}",
        f"generator: wrk {debian('wrk')}, 1 thread, 64 connections; C: {output('cc', '-dumpfullversion')}",
        f"method: {note}",
    ]
    if has_spacer:
        spacer = servers.Spacer.tool("spacer")
        lines.insert(2, f"{output(spacer, 'version') or 'spacer'}, commit {commit}")
    elif shutil.which("git"):
        lines.insert(2, f"without Spacer (not built), commit {commit}")
    return "\n".join(f"- {line}" for line in lines)
