# SPDX-License-Identifier: Apache-2.0
"""`millrace run` in a network namespace, the sender at the other end of its veth pair, and frames as a file holds them."""
import json
import os
import re
import shutil
import signal
import struct
import subprocess
from pathlib import Path

import pytest

from millrace import BINARY, BUILD, flow_of_record
from processes import Background, wait_until

GENERATOR = BUILD / "tools" / "gen" / "millrace-gen"
# Neither the kernel nor a sender may merge or cut frames, put tags aside or leave checksums out.
_OFFLOADS = ("gro", "gso", "tso", "tx", "rx", "txvlan", "rxvlan")


def need(*tools):
    """Skip without these programs."""
    for tool in tools:
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed (run tools/setup)")


def cable(netns, a, b):
    """A veth pair that carries frames as they are."""
    need("ethtool", "tcpreplay")
    netns.veth(a, b)
    for name in (a, b):
        netns.run("ethtool", "-K", name, *(word for offload in _OFFLOADS for word in (offload, "off")))


def generate(path, *keys):
    """A capture from millrace-gen."""
    subprocess.run([GENERATOR, *keys, "-o", path], check=True, capture_output=True, timeout=60)
    return path


def sent_by(text):
    """Packets that tcpreplay says the interface took."""
    return int(re.search(r"Successful packets:\s+(\d+)", text).group(1))


def replay(netns, interface, capture, *pace):
    """Send a capture; returns how many packets went out."""
    return sent_by(netns.run("tcpreplay", "-i", interface, *(pace or ("--pps=20000",)), capture, timeout_s=120))


class Probe:
    """Context manager: `millrace run` with these ports and settings, in a namespace; ready when it receives."""

    def __init__(self, netns, folder, ports, flow=None, collectors=(), name="probe", cores=None):
        self.folder = folder / name
        self.folder.mkdir()
        config = {
            "cores": {"worker_count": 1, **(cores or {})}, "memory": {"hugepages": "off"}, "flow": flow or {}, "ports": ports,
            "export": {"jsonl": str(self.folder / "flows.jsonl"), "collectors": list(collectors)},
            "telemetry": {"stats_interval": "1s"},
        }
        path = self.folder / "millrace.yaml"
        path.write_text(json.dumps(config), encoding="utf-8")  # JSON is YAML
        self._process = Background(
            netns.command(BINARY, "run", "-c", path, "--stats", self.folder / "stats.json"),
            self.folder / "log", stop_signal=signal.SIGTERM, ready=lambda: "metering " in self.log)
        self.exit_status = None

    def __enter__(self):
        self._process.__enter__()
        return self

    def __exit__(self, *_):
        self._process.stop()

    @property
    def log(self):
        return self._process.output()

    def signal(self, number):
        os.kill(self._process.process.pid, number)

    def progress(self, key):
        """The latest value of `key=` in the lines that the probe logs every second."""
        found = re.findall(rf"notice run: (?=received=).*?\b{key}=(\d+)", self.log)
        return int(found[-1]) if found else 0

    def wait_for_packets(self, count, timeout_s=30):
        """Until it has received or lost so many: then none is on its way any more."""
        wait_until(lambda: self.progress("received") + self.progress("lost") >= count, timeout_s,
                   f"{count} packets received or lost by the probe")

    def worker_cpu_ns(self):
        """CPU time that its only worker has taken so far; the scheduler counts it in ns."""
        for task in Path(f"/proc/{self._process.process.pid}/task").iterdir():
            if "worker" in (task / "comm").read_text(encoding="ascii"):
                return int((task / "schedstat").read_text(encoding="ascii").split()[0])
        raise RuntimeError("the worker has no thread of its own")

    def stop(self):
        """SIGTERM, and its end."""
        self.exit_status = self._process.stop(timeout_s=30)
        return self

    def wait(self):
        """Its end, after a signal that the test sent."""
        self.exit_status = self._process.process.wait(30)
        return self

    @property
    def stats(self):
        return json.loads((self.folder / "stats.json").read_text(encoding="utf-8"))

    def records(self):
        with open(self.folder / "flows.jsonl", encoding="utf-8") as lines:
            return [json.loads(line) for line in lines]

    def flows(self):
        return [flow_of_record(record) for record in self.records()]


def assert_accounts(probe, sent):
    """It ended well, and every packet sent is received or lost under a name."""
    assert probe.exit_status == 0, probe.log
    account, counters = probe.stats["account"], probe.stats["counters"]
    assert account["closes"] and account["in_table"] == 0, account
    assert account["received"] == account["metered"] + account["not_metered"]
    assert account["metered"] == account["exported"] + account["not_sent"]
    assert account["lost"] == sum(counters[k] for k in ("nic_missed", "nic_no_mbuf", "nic_errors",
                                                        "handover_ring_full"))
    assert account["received"] + account["lost"] == sent, account


def frames(path):
    """Frames of a classic pcap file as octets, in order."""
    data = path.read_bytes()
    order = {b"\xd4\xc3\xb2\xa1": "<", b"\x4d\x3c\xb2\xa1": "<", b"\xa1\xb2\xc3\xd4": ">"}[data[:4]]
    result, at = [], 24
    while at + 16 <= len(data):
        (length,) = struct.unpack_from(order + "I", data, at + 8)
        result.append(data[at + 16:at + 16 + length])
        at += 16 + length
    return result


def recorder(netns, interface, path):
    """tcpdump of what comes out at an interface; stop it before reading the file."""
    need("tcpdump")
    log = path.with_suffix(".log")
    command = ["tcpdump", "-i", interface, "-Q", "in", "-n", "-s", "0", "-B", "65536", "--immediate-mode", "-U",
               "-w", path]
    return Background(netns.command(*command), log, ready=lambda: "listening on" in log.read_text(encoding="utf-8"))
