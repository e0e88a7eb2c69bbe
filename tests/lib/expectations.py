# SPDX-License-Identifier: Apache-2.0
"""Parsers of what other meters report for the shared captures: arkime, ipfixprobe and nDPI. IP flows only."""
import csv
import dataclasses
import json
import re
from pathlib import Path

from flows import Flow


def arkime(path):
    """arkime's *.test: JSON, one object per session, frames counted as captured."""
    with open(path, encoding="utf-8") as file:
        (sessions,) = json.load(file).values()
    flows = []
    for session in sessions:
        body = session["body"]
        a, b = body["source"], body["destination"]
        if "ip" not in a or "ip" not in b:
            continue
        vlan = body.get("network", {}).get("vlan", {}).get("id")
        flows.append(Flow.make(
            proto=body["ipProtocol"], src=a["ip"], sport=a.get("port", 0), dst=b["ip"], dport=b.get("port", 0),
            packets=(a["packets"], b["packets"]), octets=(a["bytes"], b["bytes"]), bytes_are="captured",
            vlan=vlan[0] if isinstance(vlan, list) else vlan))
    return flows


_ARKIME_WITHOUT_ADDRESSES = (2, 103)  # IGMP, PIM


def arkime_sessions(flows):
    """Flows as arkime tells them apart: all IGMP of a capture is one session, and so is all PIM."""
    return [dataclasses.replace(f, src="any", dst="any") if f.proto in _ARKIME_WITHOUT_ADDRESSES else f
            for f in flows]


# outputs/NAME that come from another input than NAME.pcap
_IPFIXPROBE_INPUTS = {
    "basic": "mixed", "phists": "mixed", "pstats": "mixed", "nettisa": "mixed", "basicplus": "http",
    "passivedns": "dns", "ssadetector": "ovpn", "quic": "quic_initial-sample",
}


def ipfixprobe_input(path):
    """The capture that an output belongs to."""
    path = Path(path)
    return path.parent.parent / "inputs" / (_IPFIXPROBE_INPUTS.get(path.name, path.name) + ".pcap")


# The outputs that hold every flow of their input; a plugin's others leave out flows that it has no word for.
IPFIXPROBE_WHOLE = ("basic", "basicplus", "dns", "dnssd", "idpcontent", "mqtt", "ntp", "quic", "rtsp", "ssdp", "vlan",
                    "wg")


def ipfixprobe(path):
    """ipfixprobe's outputs: CSV whose header, `type NAME` each, was sorted in among the rows. Octets of IP."""
    with open(path, encoding="utf-8", newline="") as file:
        rows = [row for row in csv.reader(file) if row]
    # the header sorts behind the rows that begin with a digit, and arrays hold no commas
    (header,) = [row for row in rows if row[0].startswith("ipaddr ")]
    column = {name.split(" ", 1)[1]: i for i, name in enumerate(header)}
    flows = []
    for row in rows:
        if row is header:
            continue

        def number(name, row=row):
            return int(row[column[name]])

        flows.append(Flow.make(
            proto=number("PROTOCOL"),
            src=row[column["SRC_IP"]], sport=number("SRC_PORT"), dst=row[column["DST_IP"]], dport=number("DST_PORT"),
            packets=(number("PACKETS"), number("PACKETS_REV")), octets=(number("BYTES"), number("BYTES_REV")),
            bytes_are="ip", vlan=number("VLAN_ID") if "VLAN_ID" in column else None))
    return flows


_NDPI_PROTOCOLS = {
    "ICMP": 1, "IGMP": 2, "IPIP": 4, "TCP": 6, "EGP": 8, "UDP": 17, "IPV6": 41, "GRE": 47, "ESP": 50, "AH": 51,
    "ICMPV6": 58, "OSPF": 89, "PIM": 103, "VRRP": 112, "PGM": 113, "SCTP": 132,
}

_NDPI_ENDPOINT = r"(?:\[([^\]]+)\]|([0-9.]+)):(\d+)"
NDPI_FLOW = re.compile(
    rf"^\t\d+\t(\S+) {_NDPI_ENDPOINT} <?-> {_NDPI_ENDPOINT} (?:\[VLAN: (\d+)\])?.*?"
    r"\[(\d+) pkts/(\d+) bytes <?-> (\d+) pkts/(\d+) bytes\]")


def ndpi_flow(match):
    """A match of NDPI_FLOW as Flow."""
    proto, src6, src4, sport, dst6, dst4, dport, vlan = match.groups()[:8]
    fwd_packets, fwd_octets, rev_packets, rev_octets = map(int, match.groups()[8:])
    return Flow.make(
        proto=_NDPI_PROTOCOLS.get(proto) or int(proto), src=src6 or src4, sport=sport, dst=dst6 or dst4,
        dport=dport, packets=(fwd_packets, rev_packets), octets=(fwd_octets, rev_octets),
        bytes_are="frame", vlan=int(vlan) if vlan else None)


def ndpi(path):
    """nDPI's *.out: numbered lines are flows. Octets of frames as on the wire, each modulo 65,536."""
    with open(path, encoding="utf-8", errors="replace") as lines:
        return [ndpi_flow(match) for match in map(NDPI_FLOW.match, lines) if match]
