# SPDX-License-Identifier: Apache-2.0
"""One form for the flows of every meter, and the comparison of two sets of them."""
import ipaddress
from collections import defaultdict
from dataclasses import dataclass
from typing import Optional, Tuple

# TCP, UDP, DCCP, SCTP, UDP-Lite; elsewhere meters put types, codes, identifiers or nothing where ports would be.
PROTOCOLS_WITH_PORTS = (6, 17, 33, 132, 136)


def address(text):
    """The usual spelling, so that addresses compare as text."""
    return str(ipaddress.ip_address(text))


@dataclass(frozen=True)
class Flow:
    proto: int
    src: str
    sport: int
    dst: str
    dport: int
    packets: Tuple[int, int]  # source to destination, and back
    octets: Tuple[int, int]
    # what octets counts: ip (from the IP header on), frame (layer 2 as on the wire, without FCS),
    # captured (layer 2, captured octets only)
    bytes_are: str
    vlan: Optional[int] = None

    @classmethod
    def make(cls, *, proto, src, sport, dst, dport, packets, octets, bytes_are, vlan=None):
        if proto not in PROTOCOLS_WITH_PORTS:
            sport = dport = 0
        return cls(proto, address(src), int(sport), address(dst), int(dport), packets, octets, bytes_are, vlan)

    @property
    def family(self):
        return ipaddress.ip_address(self.src).version


def one_way(flows):
    """(proto, src, sport, dst, dport) -> [packets, octets], both directions, empty ones left out."""
    sums = defaultdict(lambda: [0, 0])
    for f in flows:
        ways = (((f.proto, f.src, f.sport, f.dst, f.dport), 0), ((f.proto, f.dst, f.dport, f.src, f.sport), 1))
        for key, way in ways:
            if f.packets[way]:
                sums[key][0] += f.packets[way]
                sums[key][1] += f.octets[way]
    return dict(sums)


def conversations(flows):
    """
    (proto, lower endpoint, higher endpoint) -> ((packets, octets) sent by the lower, the same for the higher).
    Adds up what a meter split by time-out, VLAN or direction, so that meters which split elsewhere compare.
    """
    sums = defaultdict(lambda: [[0, 0], [0, 0]])
    for (proto, src, sport, dst, dport), (packets, octets) in one_way(flows).items():
        a, b = (src, sport), (dst, dport)
        key = (proto, min(a, b), max(a, b))
        sums[key][0 if a <= b else 1][0] += packets
        sums[key][0 if a <= b else 1][1] += octets
    return {key: (tuple(low), tuple(high)) for key, (low, high) in sums.items()}


def conversation_name(key):
    """`proto address:port address:port`, as docs and messages spell it."""
    proto, a, b = key
    return f"{proto} {a[0]}:{a[1]} {b[0]}:{b[1]}"


def counts_name(counts):
    """`packets/octets packets/octets`, lower endpoint first; `none` for a conversation that isn't there."""
    return "none" if counts is None else " ".join(f"{packets}/{octets}" for packets, octets in counts)


def differences(theirs, ours):
    """[(conversation, their counts, our counts)] of two lists of flows; None for a side that lacks it."""
    a, b = conversations(theirs), conversations(ours)
    return [(key, a.get(key), b.get(key)) for key in sorted(a.keys() | b.keys()) if a.get(key) != b.get(key)]
