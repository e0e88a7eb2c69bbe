# SPDX-License-Identifier: Apache-2.0
"""
What tshark's analysis says of TCP, in all shared captures, against our records: packets sent again, out of order,
duplicate acknowledgments and so on per capture, and the round trips of handshakes to the microsecond. Each difference
is a row of docs/correctness.md; a row that is wrong or not needed any more fails too.
"""
from collections import Counter, defaultdict

import pytest

import batches
import doctable
import millrace
import tcp_analysis
from flows import conversation_name

millrace.require_binary()

LEAST_SHARE = 0.98
COUNT_COLUMNS = ("file", "element", "tshark", "ours", "why")
NOT_COUNTED = ("after the end:", "broken on purpose:")  # rows whose reasons begin so don't count in the share
# tshark knows no time-outs, and a record's counts are those of its own packets
OPTIONS = ("--set", "flow.idle_timeout=1h", "--set", "flow.active_timeout=1h")


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """(tshark's analysis, ours)"""
    millrace.shared("captures")
    found = batches.both(tcp_analysis.of_tshark, tmp_path_factory.mktemp("out"), *OPTIONS)
    return (tcp_analysis.joined(theirs for _, theirs, _ in found),
            tcp_analysis.joined(tcp_analysis.of_records(batch, records) for batch, _, records in found))


def compare(theirs, ours, columns):
    """@p theirs, @p ours: {(file, what): value}. The differences must be the rows of the table, and no others."""
    differing = {key: (str(theirs.get(key)), str(ours.get(key)))
                 for key in theirs.keys() | ours.keys() if theirs.get(key) != ours.get(key)}
    rows = [row for row in doctable.rows("correctness.md", *columns) if row["why"]]
    whole = {row["file"] for row in rows if row[columns[1]] == "*"}
    unused = whole - {file for file, _ in differing}
    assert not unused, f"docs/correctness.md: rows not needed any more: {sorted(unused)}"
    differing = {key: values for key, values in differing.items() if key[0] not in whole}
    listed = {(row["file"], row[columns[1]]): (row["tshark"], row["ours"]) for row in rows if row[columns[1]] != "*"}
    missing = [f"| `{file}` | {what} | {a} | {b} | why |" for (file, what), (a, b) in sorted(differing.items())
               if listed.get((file, what)) != (a, b)]
    assert not missing, "docs/correctness.md should say, if ours is right:\n" + "\n".join(missing)
    assert listed.keys() == differing.keys(), f"rows not needed any more: {sorted(listed.keys() - differing.keys())}"


def totals(analysis):
    """{(file, element): count}, no zeros"""
    found = Counter()
    for (name, _, _), counts in analysis.counts.items():
        for element, count in counts.items():
            found[name, element] += count
    return +found


@pytest.mark.parametrize("element", tcp_analysis.COUNTS)
def test_share_of_counts(results, element):
    """By sender, so that one's surplus doesn't make up for another's lack."""
    left_out = {row["file"] for row in doctable.rows("correctness.md", *COUNT_COLUMNS)
                if row["element"] == element and row["why"].startswith(NOT_COUNTED)}
    theirs, ours = ({key: counts for key, counts in analysis.counts.items() if key[0] not in left_out}
                    for analysis in results)
    ours = defaultdict(Counter, ours)
    same = sum(min(counts[element], ours[key][element]) for key, counts in theirs.items())
    largest = max(sum(counts[element] for counts in side.values()) for side in (theirs, ours))
    print(f"{element}: {same} of {largest}")
    assert largest > 0 and same >= min(LEAST_SHARE * largest, largest - 5)


def test_counts(results):
    theirs, ours = results
    compare(totals(theirs), totals(ours), COUNT_COLUMNS)


def test_round_trips(results):
    def named(analysis, left_out):
        return {(name, conversation_name(key)): sorted(trips, key=str)
                for (name, key), trips in analysis.round_trips.items() if (name, key) not in left_out}

    theirs, ours = results
    compared = named(theirs, theirs.repeated)
    print(f"{len(compared)} conversations compared, {len(theirs.repeated)} with repeated SYNs left out")
    assert len(compared) > 500
    compare(compared, named(ours, theirs.repeated), ("file", "connection", "tshark", "ours", "why"))
