# SPDX-License-Identifier: Apache-2.0
"""A network namespace of a test's own, with veth pairs; gone when the block ends."""
import os
import shutil
import subprocess

from processes import Background


def why_not():
    """None when namespaces can be had here, else the precise reason."""
    for tool in ("unshare", "nsenter", "ip"):
        if shutil.which(tool) is None:
            return f"no network namespace: {tool} is not installed (run tools/setup)"
    tried = subprocess.run([*_UNSHARE, "ip", "link", "add", "v0", "type", "veth", "peer", "name", "v1"],
                           capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        return f"no network namespace with veth: {tried.stderr.strip().splitlines()[-1]}"
    return None


# without root in a user namespace too, where the kernel lets users have one
_IS_ROOT = os.geteuid() == 0
_UNSHARE = ["unshare", "--net"] if _IS_ROOT else ["unshare", "--user", "--map-root-user", "--net"]
_NSENTER = ["nsenter", "--net"] if _IS_ROOT else ["nsenter", "--preserve-credentials", "--user", "--net"]


class NetNs:
    """Context manager. command() and run() put a command inside; veth() makes a pair there."""

    def __init__(self, folder):
        self._holder = Background([*_UNSHARE, "sh", "-c", "ip link set lo up && echo up && exec sleep infinity"],
                                  folder / "netns.log", ready=lambda: "up" in self._holder.output())

    def __enter__(self):
        self._holder.__enter__()
        return self

    def __exit__(self, *_):
        self._holder.stop()

    @property
    def pid(self):
        return self._holder.process.pid

    def command(self, *words):
        return [*_NSENTER, "-t", str(self.pid), *map(str, words)]

    def run(self, *words, timeout_s=60):
        done = subprocess.run(self.command(*words), capture_output=True, text=True, timeout=timeout_s, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(map(str, words))}: {done.stderr.strip()}")
        return done.stdout

    def veth(self, a, b):
        """A pair a <-> b, up, without IPv6 so that the kernel sends nothing of its own."""
        self.run("ip", "link", "add", a, "type", "veth", "peer", "name", b)
        for name in (a, b):
            self.run("sysctl", "-q", "-w", f"net.ipv6.conf.{name}.disable_ipv6=1")
            self.run("ip", "link", "set", name, "up")
