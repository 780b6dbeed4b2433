# SPDX-License-Identifier: MIT
"""Programs under the shim beside a server under test, and what the kernel says
of them, for tests/server/*.t."""
import glob
import os
import subprocess

from server_run import is_


def start(server, *command):
    """Starts a program that says "ready" first."""
    environment = dict(os.environ, PREPROF_DIR=server.environment["PREPROF_DIR"],
                       LD_PRELOAD=os.path.join(server.directory, "libpreprof.so"))
    program = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    is_(program.stdout.readline(), "ready\n", " ".join(map(os.path.basename, command)))
    return program


def end(program):
    program.kill()
    program.wait()
    program.stdout.close()


def cpu_by_thread_s(pid):
    """CPU time of the threads that there are, by the scheduler."""
    times = {}
    for path in glob.glob(f"/proc/{pid}/task/*/schedstat"):
        with open(path) as stat:
            times[int(path.split("/")[4])] = int(stat.read().split()[0]) / 1e9
    return times


def cpu_s(pid):
    return sum(cpu_by_thread_s(pid).values())


def timers(pid):
    """POSIX timers; 0 of a process that has ended."""
    try:
        with open(f"/proc/{pid}/timers") as text:
            return text.read().count("ID:")
    except OSError:
        return 0
