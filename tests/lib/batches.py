# SPDX-License-Identifier: Apache-2.0
"""
Captures put together into a few files, so that programs which need longer to start than to read a capture run a
few times and not a thousand. In one file no two captures have an address pair in common: nothing that a program
keeps per flow, connection or datagram can get from one capture into another. Packets are in the order of their times,
since our clock is that of the newest packet so far.
"""
import concurrent.futures
import functools
import tempfile
from pathlib import Path

import millrace
import tshark
from flows import address

_ENDS = ("ip.src", "ip.dst", "ipv6.src", "ipv6.dst")
_FOLDER = tempfile.TemporaryDirectory(prefix="millrace-batches-")  # until the interpreter ends


def _pairs(row):
    """(lower address, higher address) of each IP header of a frame."""
    ends = [*zip(row["ip.src"], row["ip.dst"]), *zip(row["ipv6.src"], row["ipv6.dst"])]
    return {tuple(sorted((address(a), address(b)))) for a, b in ends}


class Batch:
    def __init__(self, path):
        self.path = path
        self.pairs = {}  # capture -> its address pairs, within tunnels too
        self._owner = {}  # pair -> name of its capture

    def has_room_for(self, pairs):
        return self._owner.keys().isdisjoint(pairs)

    def add(self, capture, pairs):
        self.pairs[capture] = pairs
        self._owner.update(dict.fromkeys(pairs, millrace.capture_name(capture)))

    def capture_of(self, a, b):
        """Name of the capture in which two addresses speak; `?` for a pair that tshark doesn't see."""
        return self._owner.get((min(a, b), max(a, b)), "?")

    def rows(self, fields, *options):
        """What tshark says of each frame with an IP header: (name of the capture, {field: values})."""
        columns = tuple(dict.fromkeys((*_ENDS, *fields)))
        for line in tshark.rows(self.path, columns, *options):
            row = dict(zip(columns, line))
            for pair in sorted(_pairs(row))[:1]:
                yield self.capture_of(*pair), row


def _pairs_of_captures(paths):
    """{capture that tshark can read and that holds IP packets: its pairs}"""
    counts = tshark.frame_counts([str(p) for p in paths])
    known = [p for p in paths if counts.get(str(p))]
    merged = Path(_FOLDER.name) / "all.pcapng"
    tshark.merge(known, merged)
    lines = tshark.rows(merged, _ENDS)
    merged.unlink()
    if len(lines) != sum(counts[str(p)] for p in known):
        raise RuntimeError(f"tshark printed {len(lines)} lines for {sum(counts.values())} frames")
    result, at = {}, 0
    for path in known:
        own = lines[at:at + counts[str(path)]]
        at += len(own)
        result[path] = set().union(*(_pairs(dict(zip(_ENDS, line))) for line in own))
    return {path: pairs for path, pairs in result.items() if pairs}


@functools.lru_cache(maxsize=None)
def batches():
    """[Batch] of all shared captures: each capture in the first that has none of its pairs, larger ones first."""
    result = []
    for capture, pairs in sorted(_pairs_of_captures(millrace.captures()).items(), key=lambda item: -len(item[1])):
        batch = next((b for b in result if b.has_room_for(pairs)), None)
        if batch is None:
            batch = Batch(Path(_FOLDER.name) / f"{len(result)}.pcapng")
            result.append(batch)
        batch.add(capture, pairs)
    for batch in result:
        tshark.merge(batch.pairs, batch.path, by_time=True)
    return result


def both(theirs, folder, *options):
    """[(batch, theirs(batch), records of our run)] of all batches, two at a time."""
    def one(numbered):
        number, batch = numbered
        run = millrace.read(batch.path, folder / str(number), *options)
        assert run.exit_status == 0, run.stderr
        return batch, theirs(batch), run.records()

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        return list(pool.map(one, enumerate(batches())))
