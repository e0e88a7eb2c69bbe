# SPDX-License-Identifier: Apache-2.0
"""
Inline: between the two ports of a pair frames pass unchanged and in order, in both directions, while their flows are
exported; over veth by the kernel's ways, and through two processes that are joined by memif.
"""
import time

import pytest

import millrace
from probe import Probe, assert_accounts, cable, frames, generate, recorder, replay
from processes import wait_until

millrace.require_binary()

WAYS = ("af_packet", "af_xdp")


@pytest.fixture(name="wires")
def fixture_wires(netns):
    """va <-> pa, the probe, pb <-> vb. Nothing has an address, so no frame gets across but by the probe."""
    cable(netns, "va", "pa")
    cable(netns, "pb", "vb")
    return netns


@pytest.fixture(name="captures", scope="module")
def fixture_captures(tmp_path_factory):
    """Minimum and full frames, IPv6, VLAN tags, whole TCP connections."""
    folder = tmp_path_factory.mktemp("inline")
    return [generate(folder / "small.pcap", "packets=2k", "flows=50", "size=64"),
            generate(folder / "large.pcap", "packets=2k", "flows=50", "size=1518", "ipv6=50"),
            generate(folder / "tagged.pcap", "packets=2k", "flows=50", "size=imix", "vlan=100"),
            generate(folder / "sizes.pcap", "packets=2k", "flows=50", "handshake=yes", "tcp=100")]


def pair(left, right):
    return [{"name": "left", "device": left, "role": "pair", "peer": "right"},
            {"name": "right", "device": right, "role": "pair", "peer": "left"}]


def assert_same_frames(out, capture):
    seen, expected = frames(out), frames(capture)
    assert len(seen) == len(expected)
    wrong = [i for i, (a, b) in enumerate(zip(seen, expected)) if a != b]
    assert wrong == [], f"frame {wrong[0]} of {len(expected)}: {seen[wrong[0]].hex()} is not {expected[wrong[0]].hex()}"


def send_and_compare(netns, folder, probes, capture, way, sent_before):
    """One capture from one end to the other; returns how many packets the probes have had by then."""
    source, destination = way
    out = folder / f"{source}-{capture.stem}.out.pcap"
    with recorder(netns, destination, out) as record:
        sent = replay(netns, source, capture, "--pps=5000")
        for probe in probes:
            probe.wait_for_packets(sent_before + sent)
        wait_until(lambda: len(frames(out)) >= sent, what=f"{sent} frames at {destination}")
        record.stop()
    assert_same_frames(out, capture)
    return sent_before + sent


def assert_forwarded(probe, sent):
    counters = probe.stats["counters"]
    assert_accounts(probe, sent)
    assert (counters["forwarded_packets"], counters["forward_failed"]) == (sent, 0)
    assert probe.stats["account"]["lost"] == 0


@pytest.mark.parametrize("way", WAYS)
def test_frames_pass_unchanged_in_both_directions(wires, tmp_path, captures, way):
    sent = 0
    with Probe(wires, tmp_path, pair(f"{way}:pa", f"{way}:pb")) as probe:
        for capture in captures:
            sent = send_and_compare(wires, tmp_path, [probe], capture, ("va", "vb"), sent)
        for capture in captures[:2]:
            sent = send_and_compare(wires, tmp_path, [probe], capture, ("vb", "va"), sent)
        probe.stop()
    assert_forwarded(probe, sent)
    records = probe.records()
    assert sum(r["packetDeltaCount"] + r.get("reversePacketDeltaCount", 0) for r in records) == sent


def is_connected(netns, path):
    """Whether a peer is at the UNIX socket: state 03 beside the listening one."""
    lines = netns.run("cat", "/proc/net/unix").splitlines()
    return any(line.endswith(f" {path}") and line.split()[5] == "03" for line in lines)


def test_two_processes_joined_by_memif(wires, tmp_path, captures):
    path = tmp_path / "memif.sock"
    memif = f"net_memif0,socket={path},socket-abstract=no,role="
    first_ports, second_ports = pair("af_packet:pa", memif + "server"), pair(memif + "client", "af_packet:pb")
    with Probe(wires, tmp_path, first_ports, name="first") as first, \
         Probe(wires, tmp_path, second_ports, name="second") as second:
        wait_until(lambda: is_connected(wires, path), what="the two ends of the memif connected")
        time.sleep(0.5)  # rings follow the connection within a few round trips
        sent = 0
        for capture in captures:
            sent = send_and_compare(wires, tmp_path, [first, second], capture, ("va", "vb"), sent)
        for capture in captures[:2]:
            sent = send_and_compare(wires, tmp_path, [second, first], capture, ("vb", "va"), sent)
        first.stop()
        second.stop()
    for probe in (first, second):
        assert_forwarded(probe, sent)
    assert sorted(map(str, first.flows())) == sorted(map(str, second.flows()))
