# SPDX-License-Identifier: Apache-2.0
"""The built program and the data that tests feed it: where they are, how to run it, what it wrote."""
import concurrent.futures
import datetime
import functools
import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from flows import Flow, address

SOURCE = Path(os.environ.get("MILLRACE_SOURCE", Path(__file__).resolve().parents[2]))
BUILD = Path(os.environ.get("MILLRACE_BUILD", SOURCE / "build"))
SHARED = Path(os.environ.get("MILLRACE_SHARED", SOURCE.parent / "shared"))
CI = os.environ.get("CI") == "true"
BINARY = BUILD / "app" / "millrace"

# The element names that `millrace read` uses in flows.jsonl.
_SOURCE_KEYS = ("sourceIPv4Address", "sourceIPv6Address")
_DESTINATION_KEYS = ("destinationIPv4Address", "destinationIPv6Address")
_TIME_KEYS = ("flowStartNanoseconds", "flowEndNanoseconds", "reverseFlowStartNanoseconds", "reverseFlowEndNanoseconds")


def require_binary():
    """Call at the top of a module of tests that run the program."""
    if not BINARY.exists():
        pytest.skip(f"millrace is not built: no {BINARY}", allow_module_level=True)


def shared(*parts):
    """A path in the shared folder; skips the test when it is missing, fails it in CI."""
    path = SHARED.joinpath(*parts)
    if not path.exists():
        message = f"no {path}: set MILLRACE_SHARED to the folder that holds captures/"
        if CI:
            pytest.fail(message)
        pytest.skip(message)
    return path


@functools.lru_cache(maxsize=None)
def captures(folder=""):
    """Every capture below captures/<folder>, a tuple sorted by name; empty when the folder is missing."""
    below = (SHARED / "captures" / folder).rglob("*")
    return tuple(sorted(p for p in below if p.suffix in (".pcap", ".pcapng")))


def capture_name(path):
    """How tests and docs call a capture: the path below captures/."""
    return str(Path(path).relative_to(SHARED / "captures"))


def capture_params(paths=None):
    """Parameters for pytest, one per capture. Without any, a single one that skips, or fails in CI."""
    paths = captures() if paths is None else paths
    if paths:
        return [pytest.param(p, id=capture_name(p)) for p in paths]
    if CI:
        raise RuntimeError(f"no captures below {SHARED}: set MILLRACE_SHARED")
    reason = f"no captures below {SHARED}: set MILLRACE_SHARED"
    return [pytest.param(None, marks=pytest.mark.skip(reason=reason))]


@dataclass
class Run:
    """One finished `millrace read`."""

    exit_status: int  # negative: the signal that killed it
    stdout: str
    stderr: str
    folder: Path

    def records(self):
        """flows.jsonl as dictionaries."""
        with open(self.folder / "flows.jsonl", encoding="utf-8") as lines:
            return [json.loads(line) for line in lines]

    def flows(self, bytes_are="ip"):
        return [flow_of_record(r, bytes_are) for r in self.records()]

    def spans(self):
        """(lower address, higher address) -> [first, last] time of the records between them, ns UTC."""
        spans = {}
        for record in self.records():
            ends = [_first(record, keys) for keys in (_SOURCE_KEYS, _DESTINATION_KEYS)]
            times = [_time_ns(record[key]) for key in _TIME_KEYS if key in record]
            key = tuple(sorted(map(address, ends)))
            spans[key] = [min(times + spans.get(key, [])), max(times + spans.get(key, []))]
        return spans

    @functools.cached_property
    def stats(self):
        return json.loads((self.folder / "stats.json").read_text(encoding="utf-8"))

    def counter(self, key):
        return self.stats["counters"][key]

    @property
    def account(self):
        return self.stats["account"]


def read(files, folder, *options, workers=None, timeout_s=120):
    """Run `millrace read` on one capture or several, output into @p folder."""
    files = [files] if isinstance(files, (str, os.PathLike)) else list(files)
    command = [BINARY, "read", *files, "-o", folder, *options]
    if workers is not None:
        command += ["-w", str(workers)]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=timeout_s,
                          stdin=subprocess.DEVNULL, check=False)
    return Run(done.returncode, done.stdout, done.stderr, Path(folder))


def read_each(files, folder, *options):
    """
    {file: finished future of Run}, one run a file and several at a time. More than one per CPU, since half of a short
    run is DPDK's sleep while it measures the clock.
    """
    with concurrent.futures.ThreadPoolExecutor(2 * os.cpu_count()) as pool:
        return {file: pool.submit(read, file, folder / str(i), *options) for i, file in enumerate(files)}


def _time_ns(text):
    """`2026-05-08T16:34:03.525562368Z` as ns UTC, exactly."""
    seconds, fraction = text.rstrip("Z").split(".")
    epoch_s = int(datetime.datetime.fromisoformat(seconds + "+00:00").timestamp())
    return epoch_s * 10**9 + int(fraction.ljust(9, "0"))


def _first(record, keys):
    for key in keys:
        if key in record:
            return record[key]
    raise KeyError(f"none of {keys} in {record}")


def flow_of_record(record, bytes_are="ip"):
    """A line of flows.jsonl as the uniform Flow. @p bytes_are: ip or frame."""
    octets = {"ip": ("octetDeltaCount", "reverseOctetDeltaCount"),
              "frame": ("layer2OctetDeltaCount", "reverseLayer2OctetDeltaCount")}[bytes_are]
    vlan = record.get("vlanId", record.get("dot1qVlanId"))
    return Flow.make(
        proto=record["protocolIdentifier"],
        src=_first(record, _SOURCE_KEYS), sport=record.get("sourceTransportPort", 0),
        dst=_first(record, _DESTINATION_KEYS), dport=record.get("destinationTransportPort", 0),
        packets=(record["packetDeltaCount"], record.get("reversePacketDeltaCount", 0)),
        octets=(record[octets[0]], record.get(octets[1], 0)),
        bytes_are=bytes_are, vlan=vlan)


@functools.lru_cache(maxsize=None)
def is_sanitized():
    """Whether the program was built with AddressSanitizer."""
    return b"__asan_init" in BINARY.read_bytes()
