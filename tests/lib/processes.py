# SPDX-License-Identifier: Apache-2.0
"""Background processes of tests: started, waited for by what they do, stopped cleanly."""
import os
import signal
import socket
import subprocess
import time


def free_port(kind=socket.SOCK_DGRAM):
    """A port of 127.0.0.1 that nobody holds now."""
    with socket.socket(socket.AF_INET, kind) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_until(condition, timeout_s=15.0, what="condition"):
    """Poll until condition() is true; its value is returned."""
    deadline = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} not seen within {timeout_s} s")
        time.sleep(0.05)


def udp_port_is_open(port, pid="self"):
    """Whether a socket listens on the port, in the network namespace of @p pid. Sends nothing."""
    wanted = f":{port:04X}"
    for table in (f"/proc/{pid}/net/udp", f"/proc/{pid}/net/udp6"):
        with open(table, encoding="ascii") as lines:
            if any(line.split()[1].endswith(wanted) for line in list(lines)[1:]):
                return True
    return False


# A test run that is killed runs no clean-up; the kernel does it then.
_DIES_WITH_US = ["setpriv", "--pdeathsig", "KILL", "--"]


class Background:
    """A command in its own process group, output in a file. Use as a context manager."""

    def __init__(self, command, log, stop_signal=signal.SIGINT, ready=None, env=None):
        self.command = [str(c) for c in command]
        self.log = log
        self.stop_signal = stop_signal
        self.ready = ready  # called until true before the block is entered
        self.env = env
        self.process = None

    def output(self):
        return self.log.read_text(encoding="utf-8", errors="replace")

    def __enter__(self):
        with open(self.log, "wb") as log:
            # a group of its own, since nfacctd's plugins are children that have to end with it
            self.process = subprocess.Popen([*_DIES_WITH_US, *self.command], stdout=log,
                                            stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                                            start_new_session=True, env=self.env)
        try:
            if self.ready is not None:
                wait_until(self._ready_or_dead, what=f"{self.command[0]} ready")
        except BaseException:
            self.stop()
            raise
        return self

    def _ready_or_dead(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"{self.command[0]} ended with {self.process.returncode}: {self.output()[-2000:]}")
        return self.ready()

    def stop(self, timeout_s=10.0):
        """Ask the group to end, then make it; returns the exit status of the leader."""
        if self.process.poll() is None:
            self._signal(self.stop_signal)
            try:
                self.process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                pass
        self._signal(signal.SIGKILL)
        return self.process.wait()

    def _signal(self, number):
        try:
            os.killpg(self.process.pid, number)
        except ProcessLookupError:
            pass

    def __exit__(self, *_):
        self.stop()
