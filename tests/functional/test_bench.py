# SPDX-License-Identifier: Apache-2.0
"""`millrace bench` measures what it says, loses nothing without naming it, and refuses what it cannot do. No speed is judged."""
import json
import subprocess

import pytest

from millrace import BINARY, require_binary

require_binary()

POSITIVE = ("source_ns", "decode_ns", "ns_per_packet", "ns_per_packet_min", "ns_per_packet_max", "floor_ns", "mpps",
            "cycles_per_packet", "cpu_share", "memory_per_flow")
OTHERS = ("own_ns", "own_to_floor", "records_per_s", "created_per_s", "lost", "lost_by", "udp_lost_records", "evicted",
          "account_closes")
MACHINE = ("cpu", "cpus", "kernel", "worker_cpu", "exporter_cpu", "hugepages", "hugepages_free", "tsc_ghz", "compiler",
           "target", "build_type", "optimized", "repeat", "packets", "measure_ns")


def bench(*options):
    return subprocess.run([BINARY, "bench", *options], capture_output=True, text=True, timeout=300, check=False,
                          stdin=subprocess.DEVNULL)


def measured(*options):
    done = bench("--quick", "--json", *options)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module", name="quick")
def quick_fixture():
    return measured()


def traffic(row):
    return row["flows"], row["new_per_s"], row["size"], row["family"]


def test_machine_is_described(quick):
    assert set(quick["machine"]) == set(MACHINE)
    assert quick["machine"]["cpu"] and quick["machine"]["tsc_ghz"] > 0


def test_rows_have_all_figures(quick):
    assert len(quick["rows"]) == 3
    for row in quick["rows"]:
        assert set(row) == {"flows", "new_per_s", "size", "family", *POSITIVE, *OTHERS}
        assert all(row[key] > 0 for key in POSITIVE), row
        assert row["ns_per_packet_min"] <= row["ns_per_packet"] <= row["ns_per_packet_max"]


def test_every_packet_is_accounted_for(quick):
    for row in quick["rows"]:
        assert row["account_closes"], row
        assert row["lost"] == sum(row["lost_by"].values()), row


def test_new_flows_are_made_and_exported(quick):
    rows = [row for row in quick["rows"] if row["new_per_s"]]
    assert rows
    for row in rows:
        assert row["created_per_s"] > 0 and row["records_per_s"] > 0, row


def test_without_new_flows_none_is_made_or_lost(quick):
    for row in quick["rows"]:
        if not row["new_per_s"]:
            # flows that found no room in their buckets come again, and push others out
            assert row["evicted"] < row["flows"] / 50, row
            assert row["lost"] == 0, row


def test_records_are_sent(quick):
    records = quick["records"]
    assert records["records_per_s"] > 0 and records["ns_per_record"] > 0
    # each measurement sends what was prepared once at least, and most flows have two directions
    assert records["records"] + 2 * records["refused_flows"] > 4096
    assert 0 <= records["udp_lost_records"] <= records["records"]


def test_lists_make_every_combination():
    result = measured("--flows", "100,1k", "--size", "imix,1518", "--family", "4,both", "--repeat", "1",
                      "--packets", "1k")
    assert [traffic(row) for row in result["rows"]] == [
        (flows, 0, size, family) for family in ("4", "both") for size in ("imix", 1518) for flows in (100, 1000)]


def test_table_for_people():
    done = bench("--quick", "--flows", "100", "--repeat", "1")
    assert done.returncode == 0, done.stderr
    assert "ns per packet" in done.stdout and "records/s" in done.stdout
    assert "\r" not in done.stderr  # progress is for terminals


@pytest.mark.parametrize("options", [("--flows", "x"), ("--flows", "0"), ("--flows", "1,,2"), ("--flows", ","),
                                     ("--flows", "100,"), ("--new", "2M"), ("--size", "63"), ("--size", "9019"),
                                     ("--family", "5"), ("--repeat", "0"), ("--repeat", "100"), ("--seconds", "0"),
                                     ("--seconds", "nan"), ("--packets", "0"), ("file.pcap",), ("--speed",)])
def test_wrong_usage_is_refused_in_a_line(options):
    done = bench(*options)
    assert (done.returncode, done.stdout) == (2, "")
    assert options[0].lstrip("-") in done.stderr


def test_too_many_rows_are_refused():
    many = ",".join(["100"] * 20)
    done = bench("--flows", many, "--size", many)
    assert (done.returncode, done.stdout) == (2, "") and "256" in done.stderr


def test_row_beyond_memory_is_refused():
    largest = ("--flows", "268435456", "--new", "1M", "--family", "6", "--seconds", "60")  # takes 140 GB
    with open("/proc/meminfo", encoding="ascii") as lines:
        kib = dict(line.split()[:2] for line in lines)
    if int(kib["MemAvailable:"]) > 100 << 20:
        pytest.skip("this machine has the memory")
    done = bench(*largest)
    assert done.returncode == 1 and "--flows" in done.stderr


def test_help():
    done = bench("--help")
    assert done.returncode == 0 and "--json" in done.stdout and done.stderr == ""
