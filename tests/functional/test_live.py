# SPDX-License-Identifier: Apache-2.0
"""
Live metering from a veth pair: what tcpreplay sent is in exported records or lost under a name, to the packet, whichever
way the interface is opened and whatever ends the probe. All traffic stays in a namespace of the test's own.
"""
import signal
import struct
import sys
import time

import pytest

import millrace
from collectors import Nfcapd
from flows import differences
from processes import Background, wait_until
from probe import Probe, assert_accounts, cable, generate, need, replay

millrace.require_binary()

WAYS = ("af_xdp:v1", "af_packet:v1", "pcap:v1", "v1")
NS_PER_MS = 10**6


@pytest.fixture(name="wire")
def fixture_wire(netns):
    cable(netns, "v0", "v1")
    return netns


@pytest.fixture(name="web", scope="module")
def fixture_web(tmp_path_factory):
    return generate(tmp_path_factory.mktemp("web") / "web.pcap", "packets=50k", "flows=500", "size=imix", "ipv6=30",
                    "tcp=70")


def tap(device):
    return [{"name": "tap", "device": device}]


def assert_meters_like_read(probe, capture, folder):
    """Nothing lost: the conversations of the same capture read from the file."""
    read = millrace.read(capture, folder / "read")
    assert read.exit_status == 0, read.stderr
    assert differences(read.flows(), probe.flows()) == []
    assert all(r["flowStartNanoseconds"] <= r["flowEndNanoseconds"] for r in probe.records())


@pytest.mark.parametrize("device", WAYS)
def test_all_that_was_sent_is_exported(wire, tmp_path, web, device):
    with Probe(wire, tmp_path, tap(device)) as probe:
        sent = replay(wire, "v0", web)
        probe.wait_for_packets(sent)
        probe.stop()
    assert_accounts(probe, sent)
    assert sent == 50000
    if probe.stats["account"]["lost"] == 0:
        assert_meters_like_read(probe, web, tmp_path)


@pytest.mark.parametrize("device", WAYS[:2])
def test_a_stopped_probe_names_its_losses(wire, tmp_path, web, device):
    with Probe(wire, tmp_path, tap(device)) as probe:
        probe.signal(signal.SIGSTOP)
        try:
            sent = replay(wire, "v0", web, "--topspeed")
        finally:
            probe.signal(signal.SIGCONT)
        probe.wait_for_packets(sent)
        probe.stop()
    assert_accounts(probe, sent)
    assert probe.stats["counters"]["nic_missed"] > 0
    assert probe.stats["account"]["received"] > 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda n: n.name)
def test_a_signal_under_traffic_exports_everything(wire, tmp_path, web, number):
    with Probe(wire, tmp_path, tap("af_packet:v1")) as probe:
        sender = wire.command("tcpreplay", "-i", "v0", "--pps=20000", "--loop=0", web)
        with Background(sender, tmp_path / "tcpreplay.log"):
            wait_until(lambda: probe.progress("received") > 0, what="packets at the probe")
            probe.signal(number)
            probe.signal(signal.SIGTERM)  # a second one changes nothing
            probe.signal(signal.SIGINT)
            probe.wait()
    account = probe.stats["account"]
    assert_accounts(probe, account["received"] + account["lost"])
    records = probe.records()
    exported = sum(r["packetDeltaCount"] + r.get("reversePacketDeltaCount", 0) for r in records)
    assert exported == account["exported"] == account["metered"] > 0
    assert probe.log.count("no more packets") == 1


# Prints arrival (UTC, ns) and octets of every message.
RECEIVE = """
import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.0.0.1", 4739))
print("ready", flush=True)
while True:
    data = s.recv(65535)
    print(time.time_ns(), data.hex(), flush=True)
"""


def data_arrivals(log):
    """Arrival times of messages with flow records: those in sets of templates that aren't options templates."""
    templates, arrivals = set(), []
    for line in log.splitlines()[1:]:
        if len(line.split()) != 2:
            continue
        arrival, message = int(line.split()[0]), bytes.fromhex(line.split()[1])
        at = 16
        while at + 4 <= len(message):
            set_id, length = struct.unpack_from(">HH", message, at)
            inner, end = at + 4, at + length
            while set_id == 2 and inner + 4 <= end:
                template, count = struct.unpack_from(">HH", message, inner)
                templates.add(template)
                inner += 4
                for _ in range(count):
                    inner += 8 if message[inner] & 0x80 else 4
            if set_id in templates:
                arrivals.append(arrival)
            at += max(length, 4)
    return arrivals


def test_records_leave_in_time_when_traffic_stops(wire, tmp_path):
    burst = generate(tmp_path / "burst.pcap", "packets=200", "flows=20")
    receiver = Background(wire.command(sys.executable, "-c", RECEIVE), tmp_path / "collector.log",
                          ready=lambda: "ready" in receiver.output())
    collectors = [{"host": "127.0.0.1", "transport": "udp"}]
    with receiver, Probe(wire, tmp_path, tap("af_packet:v1"), {"idle_timeout": "1s"}, collectors) as probe:
        start_ns = time.time_ns()
        sent = replay(wire, "v0", burst, "--topspeed")
        end_ns = time.time_ns()
        wait_until(lambda: probe.progress("records") >= 20, what="20 records exported without traffic")
        time.sleep(0.2)  # the exporter fills messages for so long at most
        arrivals = data_arrivals(receiver.output())
        late_ms = probe.progress("late_max_ms")
        probe.stop()
    assert_accounts(probe, sent)
    records = probe.records()
    assert len(records) >= 20 and all(r["flowEndReason"] == 1 for r in records)
    assert all(r["flowStartNanoseconds"] <= r["flowEndNanoseconds"] for r in records)  # ISO 8601
    assert min(arrivals) >= start_ns + 1000 * NS_PER_MS
    # the promise is timeout + 1 s; on a busy machine both processes may wait for a core for a second more
    assert max(arrivals) <= end_ns + 3000 * NS_PER_MS
    assert late_ms <= 2000


def test_nfcapd_receives_every_packet(wire, tmp_path, web):
    need("nfcapd", "nfdump")
    with Nfcapd(tmp_path, netns=wire) as collector:
        collectors = [{"host": "127.0.0.1", "port": collector.port, "transport": "udp"}]
        with Probe(wire, tmp_path, tap("af_packet:v1"), collectors=collectors) as probe:
            sent = replay(wire, "v0", web)
            probe.wait_for_packets(sent)
            probe.stop()
        collector.stop()
        assert_accounts(probe, sent)
        assert sum(flow["in_packets"] for flow in collector.flows()) == probe.stats["account"]["metered"]
        assert collector.sequence_failures() == 0
