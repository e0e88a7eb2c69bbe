# SPDX-License-Identifier: Apache-2.0
"""tshark's word on a capture: IP packets and octets by the outermost IP header, one-way, per address pair and tuple."""
import functools
import subprocess
import tempfile
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Tuple

from flows import address

_FIELDS = (
    "frame.time_epoch", "frame.protocols", "ip.len", "ip.src", "ip.dst", "ip.proto", "ip.flags.mf", "ip.frag_offset",
    "ipv6.plen", "ipv6.src", "ipv6.dst", "ipv6.nxt",
    "ipv6.hopopts.nxt", "ipv6.routing.nxt", "ipv6.fraghdr.nxt", "ipv6.dstopts.nxt", "ah.next_header",
    "tcp.srcport", "tcp.dstport", "udp.srcport", "udp.dstport",
)
# IPv6 next header -> the field that holds the next one
_EXTENSION_HEADERS = {0: "ipv6.hopopts.nxt", 43: "ipv6.routing.nxt", 44: "ipv6.fraghdr.nxt", 51: "ah.next_header",
                      60: "ipv6.dstopts.nxt"}
_PORTS = {6: ("tcp.srcport", "tcp.dstport"), 17: ("udp.srcport", "udp.dstport")}


class Packet(NamedTuple):
    proto: int
    src: str
    sport: Optional[int]  # None: no TCP or UDP header, or a fragment
    dst: str
    dport: Optional[int]
    octets: int  # from the IP header on, as the header says
    fragment: bool
    time_ns: int  # UTC


@dataclass
class Totals:
    packets: int = 0
    octets: int = 0
    # (proto, src, dst) -> [packets, octets]
    pairs: Dict[Tuple, List[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0]))
    # (proto, src, sport, dst, dport) -> [packets, octets], TCP and UDP only
    tuples: Dict[Tuple, List[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0]))
    # (lower address, higher address) -> [first, last] time of their packets, ns UTC
    spans: Dict[Tuple, List[int]] = field(default_factory=dict)
    fragments: int = 0

    def add(self, p):
        self.packets += 1
        self.octets += p.octets
        self.fragments += p.fragment
        span = self.spans.setdefault((min(p.src, p.dst), max(p.src, p.dst)), [p.time_ns, p.time_ns])
        span[:] = min(span[0], p.time_ns), max(span[1], p.time_ns)
        keys = [(self.pairs, (p.proto, p.src, p.dst))]
        if p.sport is not None:
            keys.append((self.tuples, (p.proto, p.src, p.sport, p.dst, p.dport)))
        for sums, key in keys:
            sums[key][0] += 1
            sums[key][1] += p.octets


def _integer(text):
    return int(text, 0)


def _time_ns(text):
    seconds, _, fraction = text.partition(".")
    return int(seconds) * 10**9 + int(fraction.ljust(9, "0"))


def _outermost_ipv6(get):
    """Protocol behind the extension headers of the first IPv6 header, and whether it is a fragment."""
    used = defaultdict(int)
    proto, fragment = _integer(get("ipv6.nxt")[0]), False
    while proto in _EXTENSION_HEADERS:
        name = _EXTENSION_HEADERS[proto]
        values = get(name)
        if used[name] >= len(values):
            break  # the header isn't there: the packet ends before it
        fragment |= proto == 44
        proto = _integer(values[used[name]])
        used[name] += 1
    return proto, fragment


def _packet(line):
    """One line of tshark's output, or None when the frame holds no whole IP header."""
    values = dict(zip(_FIELDS, line.split("\t")))

    def get(name):
        return values[name].split(",") if values[name] else []

    protocols = values["frame.protocols"].split(":")
    if protocols[:2] == ["ip", "ipv6"] and not values["ip.len"]:
        # A bare IP packet: the link type said IPv4, the version field IPv6, which tshark goes by. It does the same
        # behind an ethertype, where we take the packet as broken: then there is an "ip" without a length.
        del protocols[0]
    layers = [layer for layer in protocols if layer in ("ip", "ipv6")]
    if not layers:
        return None
    v6 = layers[0] == "ipv6"
    lengths, sources, destinations = (get(n) for n in (
        ("ipv6.plen", "ipv6.src", "ipv6.dst") if v6 else ("ip.len", "ip.src", "ip.dst")))
    if not lengths or not sources or not destinations:
        return None
    if v6:
        proto, fragment = _outermost_ipv6(get)
    else:
        proto = _integer(get("ip.proto")[0])
        fragment = get("ip.flags.mf")[:1] in (["1"], ["True"]) or get("ip.frag_offset")[:1] not in ([], ["0"])
    ports = [None, None]
    if proto in _PORTS and not fragment:
        found = [get(name) for name in _PORTS[proto]]
        if all(found):
            ports = [_integer(f[0]) for f in found]
    return Packet(proto, address(sources[0]), ports[0], address(destinations[0]), ports[1],
                  _integer(lengths[0]) + (40 if v6 else 0), fragment, _time_ns(values["frame.time_epoch"]))


def _lines(path):
    # without reassembly each fragment stands for itself; -n: no name look-ups
    command = ["tshark", "-n", "-r", path, "-o", "ip.defragment:FALSE", "-o", "ipv6.defragment:FALSE",
               "-T", "fields", "-E", "separator=/t", "-E", "occurrence=a"]
    for name in _FIELDS:
        command += ["-e", name]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    return done.stdout.splitlines()


def rows(path, fields, *options):
    """One list per frame: for each field the list of its values. With tshark's reassembly, no names looked up."""
    # control characters occur in no value: tshark escapes them
    command = ["tshark", "-n", "-r", path, *options, "-T", "fields", "-E", "separator=/t", "-E", "occurrence=a",
               "-E", "aggregator=\x1f"]
    for name in fields:
        command += ["-e", name]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=300, check=False)
    return [[cell.split("\x1f") if cell else [] for cell in line.split("\t")] for line in done.stdout.split("\n")[:-1]]


def merge(paths, into, by_time=False):
    """Captures into one, one behind the other or by the times of their packets."""
    order = [] if by_time else ["-a"]
    subprocess.run(["mergecap", *order, "-I", "none", "-w", into, *paths], check=True, capture_output=True,
                   timeout=300)


def frame_counts(paths):
    """Frames per capture; captures of a link type that Wireshark doesn't know are left out."""
    done = subprocess.run(["capinfos", "-c", "-T", "-r", "-m", *paths], capture_output=True, text=True,
                          timeout=300, check=False)
    rows = (line.rpartition(",") for line in done.stdout.splitlines())
    return {name: int(count) for name, _, count in rows if count.isdigit()}


@functools.lru_cache(maxsize=None)
def totals(paths):
    """
    {path: Totals} for a tuple of captures; those that tshark can't read are missing.
    All in one run: starting tshark costs a hundred times more than reading a small capture.
    """
    counts = frame_counts([str(p) for p in paths])
    known = [p for p in paths if str(p) in counts]
    with tempfile.TemporaryDirectory() as folder:
        merged = Path(folder) / "all.pcapng"
        merge(known, merged)
        lines = _lines(merged)
    if len(lines) != sum(counts.values()):
        raise RuntimeError(f"tshark printed {len(lines)} lines for {sum(counts.values())} frames")
    result, at = {}, 0
    for path in known:
        result[path] = Totals()
        for line in lines[at:at + counts[str(path)]]:
            packet = _packet(line)
            if packet is not None:
                result[path].add(packet)
        at += counts[str(path)]
    return result
