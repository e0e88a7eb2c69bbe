# SPDX-License-Identifier: Apache-2.0
"""`millrace bench` measures what it says, loses nothing without naming it, and refuses what it cannot do. No speed is judged."""
import json
import os
import subprocess

import pytest

from millrace import BINARY, BUILD, require_binary

require_binary()

GENERATOR = BUILD / "tools" / "gen" / "millrace-gen"

POSITIVE = ("source_ns", "decode_ns", "ns_per_packet", "ns_per_packet_min", "ns_per_packet_max", "floor_ns", "mpps",
            "cycles_per_packet", "cpu_share", "memory_per_flow")
OTHERS = ("kind", "device", "own_ns", "own_to_floor", "records_per_s", "created_per_s", "lost", "lost_by",
          "udp_lost_records", "evicted", "established", "survived", "account_closes")
LATE = ("late_p50_ns", "late_p99_ns", "late_max_ns")
MACHINE = ("cpu", "cpus", "kernel", "worker_cpu", "exporter_cpu", "hugepages", "hugepages_free", "tsc_ghz", "compiler",
           "target", "decode", "build_type", "optimized", "repeat", "packets", "measure_ns")


def bench(*options, env=None):
    return subprocess.run([BINARY, "bench", *options], capture_output=True, text=True, timeout=300, check=False,
                          stdin=subprocess.DEVNULL, env={**os.environ, **(env or {})})


def measured_without_quick(*options, env=None):
    done = bench("--json", *options, env=env)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def measured(*options, env=None):
    return measured_without_quick("--quick", *options, env=env)


def available_memory():
    """Octets, as pages of any size."""
    with open("/proc/meminfo", encoding="ascii") as lines:
        kib = {line.split()[0]: int(line.split()[1]) for line in lines}
    return (kib["MemAvailable:"] + kib["Hugetlb:"]) << 10


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
        assert set(row) == {"flows", "new_per_s", "size", "family", "idle_timeout_ns", *POSITIVE, *OTHERS, *LATE}
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
        assert row["created_per_s"] > 0 and row["records_per_s"] > 0 and row["idle_timeout_ns"] > 0, row
        assert 0 <= row["late_p50_ns"] <= row["late_p99_ns"] <= row["late_max_ns"], row


def test_without_new_flows_none_is_made_or_lost(quick):
    for row in quick["rows"]:
        if not row["new_per_s"]:
            # flows that found no room in their buckets come again, and push others out
            assert row["evicted"] < row["flows"] / 50, row
            assert row["lost"] == 0, row
            assert all(row[key] is None for key in ("idle_timeout_ns", *LATE)), row


def test_new_flows_come_by_the_packet_whatever_the_speed():
    """4000 of the packets of each second of CPU time, if the worker was as fast as in the trials."""
    row, = measured("--flows", "1k", "--new", "4k")["rows"]
    share = row["created_per_s"] / (row["mpps"] * 1e6)
    assert 0 < share < 0.01 and row["evicted"] == 0, row


def test_idle_timeout_is_a_choice():
    row, = measured("--flows", "1k", "--new", "10k", "--idle", "0.4", "--repeat", "1")["rows"]
    assert row["idle_timeout_ns"] == 400_000_000 and row["records_per_s"] > 0


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


def test_flood_spares_established_flows():
    row, = measured("--flood", "--flows", "10k", "--family", "both")["rows"]
    assert (row["kind"], row["family"], row["flows"]) == ("flood", "both", 10000)
    assert row["account_closes"] and row["lost"] == sum(row["lost_by"].values()), row
    assert row["evicted"] > 10000 and row["late_max_ns"] is not None, row  # the flood went through the table
    assert 0.9 * 10000 < row["survived"] <= row["established"] <= 10000, row


def test_net_pcap_plays_a_capture_of_all_flows(tmp_path):
    row, = measured("--net-pcap", "--flows", "3k", env={"TMPDIR": str(tmp_path)})["rows"]
    assert (row["kind"], *traffic(row)) == ("net_pcap", 3000, 0, 64, "4")
    assert row["account_closes"] and row["evicted"] == 0, row
    assert not list(tmp_path.iterdir())  # the capture is gone


def test_net_pcap_needs_a_place_for_its_capture(tmp_path):
    done = bench("--quick", "--net-pcap", env={"TMPDIR": str(tmp_path / "missing")})
    assert (done.returncode, done.stdout.count("source:")) == (1, 0) and "TMPDIR" in done.stderr


def test_device_is_any_port(tmp_path):
    capture = tmp_path / "flows.pcap"
    subprocess.run([GENERATOR, "-o", capture, "flows=500,packets=500,order=roundrobin,size=100,reply=0"], check=True)
    device = f"net_pcap0,rx_pcap={capture},infinite_rx=1"
    row, = measured("--device", device, "--flows", "2k")["rows"]
    assert (row["kind"], row["device"], *traffic(row)) == ("device", device, 500, 0, 100, "any")
    assert row["account_closes"] and row["lost"] == sum(row["lost_by"].values()), row


@pytest.mark.parametrize("device, says", [
    ("net_null0,no-rx=1", "no packet came"), ("net_pcap0,rx_pcap=missing.pcap,infinite_rx=1", "missing.pcap"),
    ("net_nothing0", "net_nothing0"), ("nosuchif0", "nosuchif0")])
def test_device_without_packets_is_told_in_a_line(device, says):
    done = bench("--quick", "--device", device)
    assert done.returncode in (1, 2) and says in done.stderr.splitlines()[-1], done.stderr
    assert done.stderr.splitlines()[-1].startswith("millrace bench: ")


def test_matrix_takes_lists():
    result = measured_without_quick("--matrix", "--flows", "100", "--new", "0", "--repeat", "1", "--packets", "1k")
    assert [traffic(row) for row in result["rows"]] == [
        (100, 0, size, family) for family in ("4", "6") for size in (64, "imix", 1500)]


def test_rows_beyond_memory_are_skipped():
    if available_memory() > 40 << 30:
        pytest.skip("this machine has the memory")
    result = measured("--flows", "100,268435456", "--repeat", "1", "--packets", "1k")
    assert [row["flows"] for row in result["rows"]] == [100]
    assert [row["flows"] for row in result["skipped"]] == [268435456]
    assert result["skipped"][0]["memory"] > 30 << 30


def test_table_for_people():
    done = bench("--quick", "--flows", "100", "--repeat", "1", "--new", "0,1k")
    assert done.returncode == 0, done.stderr
    assert "ns per packet" in done.stdout and "records/s" in done.stdout and "after they were due" in done.stdout
    assert "\r" not in done.stderr  # progress is for terminals


@pytest.mark.parametrize("options", [("--flows", "x"), ("--flows", "0"), ("--flows", "1,,2"), ("--flows", ","),
                                     ("--flows", "100,"), ("--new", "11M"), ("--size", "63"), ("--size", "9019"),
                                     ("--family", "5"), ("--repeat", "0"), ("--repeat", "100"), ("--seconds", "0"),
                                     ("--seconds", "nan"), ("--idle", "61"), ("--packets", "0"), ("file.pcap",), ("--speed",),
                                     ("--device", "a:b/c"), ("--flood", "--net-pcap"), ("--flood", "--new", "1k"),
                                     ("--net-pcap", "--size", "100"), ("--targets", "--flows", "1k"),
                                     ("--matrix", "--quick")])
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
    if available_memory() > 100 << 30:
        pytest.skip("this machine has the memory")
    done = bench(*largest)
    assert done.returncode == 1 and "--flows" in done.stderr


def test_help():
    done = bench("--help")
    assert done.returncode == 0 and "--json" in done.stdout and done.stderr == ""
