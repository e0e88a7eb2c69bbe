# SPDX-License-Identifier: Apache-2.0
"""How TCP connections did, by tshark and by us: counts per sender, and the round trips of handshakes."""
import functools
from collections import Counter, defaultdict

import millrace
from application_fields import ENDPOINTS, capture_of, conversation, ends

# our element -> tshark's flags that together are the same
COUNTS = {
    "retransmittedPackets": ("retransmission", "fast_retransmission", "spurious_retransmission"),
    "outOfOrderPackets": ("out_of_order",),
    "duplicateAcks": ("duplicate_ack",),
    "zeroWindowPackets": ("zero_window",),
    "lostSegments": ("lost_segment",),
}
_FLAGS = tuple(f"tcp.analysis.{flag}" for flags in COUNTS.values() for flag in flags)
_COLUMNS = (*ENDPOINTS, "frame.time_epoch", "tcp.stream", "tcp.flags", "tcp.analysis.ack_rtt", *_FLAGS)
_SYN, _RST, _ACK = 0x02, 0x04, 0x10


def _ns(text):
    seconds, _, fraction = text.partition(".")
    return int(seconds) * 10**9 + int(fraction.ljust(9, "0"))


def _known(trip_us):
    """Ours are 1 at least and 0 when not seen; tshark has none where no time went by."""
    return trip_us if trip_us > 1 else None


def _round_trip_us(row):
    """From what a frame acknowledges to the frame, as a clock of microseconds sees it."""
    if not row["tcp.analysis.ack_rtt"]:
        return None
    now_ns, back_ns = _ns(row["frame.time_epoch"][-1]), _ns(row["tcp.analysis.ack_rtt"][-1])
    return _known(now_ns // 1000 - (now_ns - back_ns) // 1000)


class _Handshake:
    """Of one stream: the answer to the SYN, then what acknowledges it first."""

    def __init__(self):
        self.client = self.server_us = self.client_us = None
        self.syns, self.answers, self.over = 0, 0, False

    def add(self, sender, flags, row):
        if flags & (_SYN | _ACK) == _SYN:
            self.client = sender
            self.syns += 1
        elif self.client is None or self.over:
            return
        elif flags & _SYN and sender != self.client:
            self.answers += 1
            self.server_us = _round_trip_us(row)
        elif flags & (_RST | _ACK) == _ACK and sender == self.client and self.answers:
            self.over = True
            self.client_us = _round_trip_us(row)

    @property
    def is_repeated(self):
        """tshark measures from the first of several SYNs, we from the last."""
        return self.syns > 1 or self.answers > 1


class Analysis:
    """Either side's word on all captures."""

    def __init__(self):
        self.counts = defaultdict(Counter)  # (capture, conversation, sender) -> {element: count}
        # (capture, conversation) -> {(to the server, to the client)} of its connections, us; None: not known
        self.round_trips = defaultdict(set)
        self.repeated = set()  # of these keys: a connection's SYN or its answer was sent again


def of_tshark(batch):
    result, streams = Analysis(), {}
    for name, row in batch.rows(_COLUMNS):
        packet = ends(row)
        if packet is None or packet[0] != 6 or not row["tcp.stream"]:
            continue
        key, sender = conversation(*packet), packet[1]
        for element, flags in COUNTS.items():
            result.counts[name, key, sender][element] += any(row[f"tcp.analysis.{flag}"] for flag in flags)
        handshake = streams.setdefault((name, key, row["tcp.stream"][-1]), _Handshake())
        handshake.add(sender, int(row["tcp.flags"][-1], 0), row)
    for (name, key, _), handshake in streams.items():
        if handshake.is_repeated:
            result.repeated.add((name, key))
        elif handshake.server_us is not None:
            result.round_trips[name, key].add((handshake.server_us, handshake.client_us))
    return result


def of_records(batch, records):
    result = Analysis()
    for record in records:
        flow = millrace.flow_of_record(record)
        if flow.proto != 6 or "tcpConnectionState" not in record:
            continue
        source, destination = (flow.src, flow.sport), (flow.dst, flow.dport)
        key = conversation(6, source, destination)
        name = capture_of(batch, record)
        for element in COUNTS:
            result.counts[name, key, source][element] += record[element]
            result.counts[name, key, destination][element] += record[f"reverse{element[0].upper()}{element[1:]}"]
        trip = tuple(_known(record.get(f"{side}RttMicroseconds", 0)) for side in ("server", "client"))
        if trip[0] is not None:
            result.round_trips[name, key].add(trip)
    return result


def _joined(a, b):
    a.counts.update(b.counts)
    a.round_trips.update(b.round_trips)
    a.repeated |= b.repeated
    return a


def joined(analyses):
    return functools.reduce(_joined, analyses, Analysis())
