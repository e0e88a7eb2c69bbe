# SPDX-License-Identifier: Apache-2.0
"""Foreign IPFIX collectors and readers, for tests of what they make of our output."""
import json
import re
import subprocess
from dataclasses import dataclass

from processes import Background, free_port, udp_port_is_open, wait_until


def run(*command, timeout_s=60):
    """Standard output of a command that must succeed."""
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=timeout_s, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]} ended with {done.returncode}: {done.stderr[-2000:]}")
    return done.stdout


def nfdump_records(text):
    """What `nfdump -o json` prints: objects with commas between them; 1.7.1 leaves out the brackets around."""
    return json.loads("[" + text.strip().lstrip("[").rstrip(",]") + "]")


class Nfcapd:
    """nfcapd on a free UDP port of 127.0.0.1, of a namespace's if given. Its flows can be read after stop()."""

    def __init__(self, folder, port=None, netns=None):
        self.folder = folder / "nfcapd"
        self.folder.mkdir()
        self.port = port or free_port()
        command = ["nfcapd", "-w", self.folder, "-b", "127.0.0.1", "-p", self.port, "-t", "300", "-I", "probe"]
        pid = netns.pid if netns else "self"
        self._process = Background(netns.command(*command) if netns else command, folder / "nfcapd.log",
                                   ready=lambda: udp_port_is_open(self.port, pid))

    def __enter__(self):
        self._process.__enter__()
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self._process.stop()

    @property
    def log(self):
        return self._process.output()

    def flows(self):
        """Records as nfdump prints them in JSON."""
        records = []
        for file in sorted(self.folder.glob("nfcapd.[0-9]*")):
            records += nfdump_records(run("nfdump", "-q", "-r", file, "-o", "json"))
        return records

    def sequence_failures(self):
        """Gaps in the sequence numbers and bad packets that it logged."""
        found = re.findall(r"Sequence Errors: (\d+), Bad Packets: (\d+)", self.log)
        return sum(int(gaps) + int(bad) for gaps, bad in found)


_NFACCTD_CONF = """\
daemonize: false
nfacctd_ip: 127.0.0.1
nfacctd_port: {port}
plugins: print
aggregate: {aggregate}
print_output: json
print_output_file: {output}
print_output_file_append: true
print_refresh_time: 1
"""


class Nfacctd:
    """nfacctd with the JSON print plugin on a free UDP port of 127.0.0.1."""

    def __init__(self, folder, aggregate="src_host,dst_host,src_port,dst_port,proto,tcpflags", port=None):
        self.port = port or free_port()
        self._output = folder / "nfacctd.json"
        conf = folder / "nfacctd.conf"
        conf.write_text(_NFACCTD_CONF.format(port=self.port, aggregate=aggregate, output=self._output),
                        encoding="ascii")
        self._process = Background(["nfacctd", "-f", conf], folder / "nfacctd.log",
                                   ready=lambda: udp_port_is_open(self.port))

    def __enter__(self):
        self._process.__enter__()
        return self

    def __exit__(self, *_):
        self._process.stop()

    @property
    def log(self):
        return self._process.output()

    def flows(self):
        """Records printed so far."""
        if not self._output.exists():
            return []
        lines = self._output.read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def wait_for_flows(self, count, timeout_s=20):
        wait_until(lambda: len(self.flows()) >= count, timeout_s, f"{count} flows at nfacctd")
        return self.flows()


@dataclass
class IpfixDump:
    messages: int
    data_records: int
    template_records: int
    warnings: str


def ipfix_dump(path):
    """libfixbuf's reading of an RFC 5655 file."""
    done = subprocess.run(["ipfixDump", "-i", path], capture_output=True, text=True, timeout=60, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"ipfixDump ended with {done.returncode}: {done.stderr[-2000:]}")
    last = done.stdout.strip().splitlines()[-1]
    numbers = re.search(r"(\d+) Messages, (\d+) Data Records, (\d+) Template Records", last)
    if numbers is None:
        raise RuntimeError(f"ipfixDump ends with an unknown line: {last}")
    return IpfixDump(*map(int, numbers.groups()), warnings=done.stderr)
