# SPDX-License-Identifier: Apache-2.0
"""Workers share nothing: a packet costs each of 8 the same instructions as a single one, and nothing writable is global."""
import re
import subprocess

import pytest

import millrace
from millrace import BINARY, BUILD
from probe import generate, need

millrace.require_binary()

PACKETS = 60000
WORKERS = (2, 4, 8)
# Each worker brings a table of its own that is swept; the rest is bursts that are less full.
MORE_AT_MOST = 1.05
PER_PACKET = ("mr_packet_decode_burst", "mr_flow_burst")

DATA_PATH = ("lib/packet/libmr_packet.a", "lib/packet/libmr_packet_burst.a", "lib/flow/libmr_flow.a")
WORKER = ("mr_worker.c.o", "mr_idle.c.o", "mr_power.c.o")
WRITABLE = re.compile(r"\.(data|bss|tdata|tbss)(?!\.rel\.ro)")
# Of what the worker reads from other modules: written by control alone, and hardly ever.
WRITTEN_ELSEWHERE = {"mr_time_offset_ns": "once a second", "mr_port_stamp_off": "at start"}


def instructions(capture, folder, workers):
    """What the worker's functions for packets executed, of all workers. The rest of the program isn't counted."""
    out = folder / f"callgrind.{workers}"
    toggles = [f"--toggle-collect={name}*" for name in PER_PACKET]
    done = subprocess.run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", *toggles,
                           BINARY, "read", "-q", "-w", str(workers), capture],
                          capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return int(re.search(r"Collected : (\d+)", done.stderr).group(1))


def test_a_packet_costs_the_same_at_any_number_of_workers(tmp_path):
    need("valgrind")
    capture = generate(tmp_path / "mix.pcap", f"packets={PACKETS}", "flows=2k", "size=64", "ipv6=30", "tcp=50")
    one = instructions(capture, tmp_path, 1)
    assert one > 50 * PACKETS  # all packets were seen
    counts = {workers: instructions(capture, tmp_path, workers) for workers in WORKERS}
    print({n: round(count / PACKETS, 1) for n, count in {1: one, **counts}.items()}, "instructions per packet")
    for workers, count in counts.items():
        assert one / MORE_AT_MOST <= count <= one * MORE_AT_MOST, (workers, count / one)


def symbols(path):
    """(section, name) of what the objects define."""
    done = subprocess.run(["objdump", "-t", path], capture_output=True, text=True, timeout=60, check=True)
    return [(line.split()[-3], line.split()[-1]) for line in done.stdout.splitlines()
            if re.match(r"^[0-9a-f]{16} .*\t[0-9a-f]{16} ", line)]


def writable(path):
    return [name for section, name in symbols(path)
            if (WRITABLE.match(section) and not name.startswith(".")) or section == "*COM*"]


def worker_objects():
    return [BUILD / "app" / "millrace.p" / name for name in WORKER]


@pytest.mark.parametrize("path", DATA_PATH)
def test_nothing_writable_is_global_on_the_data_path(path):
    need("objdump")
    assert len(symbols(BUILD / path)) > 5
    assert writable(BUILD / path) == []


def test_nothing_writable_is_global_in_the_worker():
    need("objdump", "nm")
    shared = set()
    for path in worker_objects():
        assert len(symbols(path)) > 3 and writable(path) == []
        done = subprocess.run(["nm", "-u", path], capture_output=True, text=True, timeout=60, check=True)
        shared |= set(done.stdout.split()) - {"U"}
    ours = {name for folder in ("app/millrace.p", "drivers", "lib") for kind in ("*.o", "*.a")
            for path in (BUILD / folder).rglob(kind) for name in writable(path)}
    assert "mr_time_offset_ns" in ours  # such names are found
    assert shared & ours == set(WRITTEN_ELSEWHERE)
