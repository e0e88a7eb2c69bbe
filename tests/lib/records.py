# SPDX-License-Identifier: Apache-2.0
"""
What collectors must report of a generated capture, and what they do, as tuples of one form. Expectations come from the
generator's own books (millrace-gen --expect), never from the program under test.
"""
import datetime
import ipaddress
import json
import subprocess
from typing import NamedTuple

from millrace import BUILD

GEN = BUILD / "tools" / "gen" / "millrace-gen"
FLAG_LETTERS = "CEUAPRSF"  # nfdump's, bit 7 first
ECHO = {1: (8, 0), 58: (128, 129)}  # type of the request and of the answer


class Record(NamedTuple):
    """One IPFIX record. Times in ms since 1970, icmp is type * 256 + code, reverse fields are 0 where there are none."""

    proto: int
    src: str
    sport: int
    dst: str
    dport: int
    icmp: int
    vlan: int
    packets: int
    octets: int
    flags: int
    start_ms: int
    end_ms: int
    rev_packets: int = 0
    rev_octets: int = 0
    rev_flags: int = 0
    rev_start_ms: int = 0
    rev_end_ms: int = 0


def generate(folder, *keys, name="in"):
    """A capture by millrace-gen and its expectations as a dictionary."""
    capture, expect = folder / f"{name}.pcap", folder / f"{name}.json"
    subprocess.run([GEN, *keys, "-o", capture, "--expect", expect], check=True, capture_output=True, timeout=120)
    return capture, json.loads(expect.read_text(encoding="utf-8"))


def expected(flows, profile, vlan=0, shift_s=0):
    """The records that a profile must make of the generator's flows."""
    records = []
    for f in flows:
        sides = [side for side in (0, 1) if f["packets"][side]]
        ends = [(f["src"], f["src_port"]), (f["dst"], f["dst_port"])]

        def counts(side, f=f):
            return (f["packets"][side], f["octets"][side], f["tcp_flags"][side],
                    f["first_ns"][side] // 10**6 + shift_s * 1000, f["last_ns"][side] // 10**6 + shift_s * 1000)

        for side in sides if profile == "compat" else sides[:1]:
            src, dst = ends[side], ends[1 - side]
            icmp = 256 * ECHO[f["proto"]][side] if f["proto"] in ECHO else 0
            reverse = counts(1) if profile != "compat" and len(sides) == 2 else ()
            records.append(Record(f["proto"], *src, *dst, icmp, vlan, *counts(side), *reverse))
    return sorted(records)


def only(records, fields):
    """The records reduced to what a collector can tell."""
    return sorted(tuple(getattr(r, name) for name in fields) for r in records)


def milliseconds(text):
    """`2023-11-14 22:13:20.074000Z`, with T or without Z, any number of decimals; UTC."""
    whole, _, fraction = text.rstrip("Z").replace("T", " ").partition(".")
    seconds = datetime.datetime.strptime(whole, "%Y-%m-%d %H:%M:%S").replace(tzinfo=datetime.timezone.utc)
    return int(seconds.timestamp()) * 1000 + int((fraction + "000")[:3])


# ---- the readers: dictionaries of each tool to Record, and which fields the tool knows ----

BASE = ("proto", "src", "sport", "dst", "dport", "vlan", "packets", "octets", "flags", "start_ms", "end_ms")
NFCAPD_FIELDS = BASE + ("icmp", "rev_packets", "rev_octets")
NFACCTD_FIELDS = BASE + ("rev_packets", "rev_octets", "rev_flags")


def of_nfdump(r):
    flags = sum(1 << (7 - i) for i, letter in enumerate(r["tcp_flags"]) if letter == FLAG_LETTERS[i]) \
        if r["proto"] == 6 else 0
    return Record(r["proto"], str(ipaddress.ip_address(r.get("src4_addr") or r["src6_addr"])), r.get("src_port", 0),
                  str(ipaddress.ip_address(r.get("dst4_addr") or r["dst6_addr"])), r.get("dst_port", 0),
                  r.get("icmp_type", 0) * 256 + r.get("icmp_code", 0), r.get("src_vlan", 0), r["in_packets"],
                  r["in_bytes"], flags, milliseconds(r["first"]), milliseconds(r["last"]), r.get("out_packets", 0),
                  r.get("out_bytes", 0))


_NFACCTD_PROTOCOLS = {"icmp": 1, "tcp": 6, "udp": 17, "ipv6-icmp": 58, "sctp": 132}


def of_nfacctd(r):
    return Record(_NFACCTD_PROTOCOLS[r["ip_proto"]], str(ipaddress.ip_address(r["ip_src"])), r["port_src"],
                  str(ipaddress.ip_address(r["ip_dst"])), r["port_dst"], 0, r.get("vlan", 0), r["packets"], r["bytes"],
                  int(r["tcp_flags"]), milliseconds(r["timestamp_start"]), milliseconds(r["timestamp_end"]),
                  int(r.get("revpackets", 0)), int(r.get("revbytes", 0)), int(r.get("revtcpflags", "0"), 16))


def of_elements(r):
    """A record under IANA names: ipfixDump's and millrace-ipfix's."""
    def end(side):
        return str(ipaddress.ip_address(r.get(side + "IPv4Address") or r[side + "IPv6Address"]))

    def number(name):
        return int(r.get(name, 0))

    reverse = ()
    if "reversePacketDeltaCount" in r:
        reverse = (number("reversePacketDeltaCount"), number("reverseOctetDeltaCount"),
                   number("reverseTcpControlBits"), milliseconds(r["reverseFlowStartMilliseconds"]),
                   milliseconds(r["reverseFlowEndMilliseconds"]))
    return Record(number("protocolIdentifier"), end("source"), number("sourceTransportPort"), end("destination"),
                  number("destinationTransportPort"), number("icmpTypeCodeIPv4") or number("icmpTypeCodeIPv6"),
                  number("vlanId"), number("packetDeltaCount"), number("octetDeltaCount"), number("tcpControlBits"),
                  milliseconds(r["flowStartMilliseconds"]), milliseconds(r["flowEndMilliseconds"]), *reverse)


def of_tshark(r):
    """A record of Sniffer.records(). Its times have no mark of the direction: the reverse ones stand first."""
    def one(fields, name):
        return int(fields.get(name, ["0"])[0], 0)

    def end(side):
        return str(ipaddress.ip_address(r.get(f"cflow.{side}addr", r.get(f"cflow.{side}addrv6"))[0]))

    reverse = r["reverse"]
    times = [(int(start, 16), int(end, 16)) for start, end in
             zip(r["cflow.abstimestart.milliseconds"], r["cflow.abstimeend.milliseconds"])]
    icmp = one(r, "cflow.icmp_type_code_ipv4") or one(r, "cflow.icmp_ipv6_type") * 256 + one(r, "cflow.icmp_ipv6_code")
    back = ()
    if reverse:
        back = (one(reverse, "cflow.packets"), one(reverse, "cflow.octets"), one(reverse, "cflow.tcpflags"), *times[0])
    return Record(one(r, "cflow.protocol"), end("src"), one(r, "cflow.srcport"), end("dst"), one(r, "cflow.dstport"),
                  icmp, one(r, "cflow.vlanid"), one(r, "cflow.packets"),
                  one(r, "cflow.octets"), one(r, "cflow.tcpflags"), *times[-1], *back)
