# SPDX-License-Identifier: Apache-2.0
"""
Every shared capture by itself: the program ends well, its account closes, its packets and octets are tshark's, in all
and per address pair, and so are the first and last times of each pair. Where they aren't, a row of docs/correctness.md
says so and why; a row that is wrong or not needed any more fails too.
"""
import pytest

import doctable
import millrace
import tshark
from flows import one_way

millrace.require_binary()

OTHER_TIMES = {row["file"] for row in doctable.rows("correctness.md", "file", "why the times differ")}
EXCEPTIONS = {row["file"]: row for row in doctable.rows("correctness.md", "file", "tshark", "ours", "reason", "RFC")}


@pytest.fixture(scope="session")
def runs(tmp_path_factory):
    """Each capture read once, tunnels by their own addresses as tshark has them: {capture: future of Run}."""
    return millrace.read_each(millrace.captures(), tmp_path_factory.mktemp("out"), "--set", "inspect.tunnels=outer")


def pair_counts(flows):
    """(proto, source, destination) -> [packets, octets]"""
    sums = {}
    for (proto, src, _, dst, _), (packets, octets) in one_way(flows).items():
        counts = sums.setdefault((proto, src, dst), [0, 0])
        counts[0] += packets
        counts[1] += octets
    return sums


def summed(pairs, run):
    """The pairs, without protocol if we stopped at an IPv6 extension header where tshark reads past the end."""
    if run.counter("ipv6_ext_truncated") + run.counter("ipv6_ext_too_many") == 0:
        return dict(pairs)
    sums = {}
    for (_, src, dst), (packets, octets) in pairs.items():
        counts = sums.setdefault((src, dst), [0, 0])
        counts[0] += packets
        counts[1] += octets
    return sums


def packets(sums):
    """The same without octets."""
    return {key: counts[0] for key, counts in sums.items()}


@pytest.mark.parametrize("capture", millrace.capture_params())
def test_capture(runs, capture):
    run = runs[capture].result()
    assert run.exit_status == 0, run.stderr
    assert run.account["closes"], run.account
    assert (run.account["in_table"], run.account["not_sent"], run.account["lost"]) == (0, 0, 0)
    flows = run.flows()
    assert sum(sum(f.packets) for f in flows) == run.account["metered"]
    assert sum(sum(f.octets) for f in flows) == run.counter("metered_octets")

    theirs = tshark.totals(millrace.captures()).get(capture)
    if run.counter("link_unsupported") == run.account["received"]:
        # a link type without a decoder: all is accounted for under that name and nothing is there to compare
        assert not flows
        return
    assert theirs is not None, "tshark can't read this capture, and we can: say here how it was checked"
    name = millrace.capture_name(capture)
    if theirs.packets == run.account["metered"]:
        assert (run.spans() != theirs.spans) == (name in OTHER_TIMES), (run.spans(), theirs.spans)
    said = f"{theirs.packets}/{theirs.octets}"
    ours = f"{run.account['metered']}/{run.counter('metered_octets')}"
    row = EXCEPTIONS.get(name)
    if row is not None:
        assert said != ours, f"docs/correctness.md: the row of {name} is not needed any more"
        assert (row["tshark"], row["ours"]) == (said, ours), f"docs/correctness.md: the row of {name} is out of date"
        if theirs.packets == run.account["metered"]:  # then it's octets only
            assert packets(summed(pair_counts(flows), run)) == packets(summed(theirs.pairs, run))
        return
    assert said == ours, f"if ours is right, docs/correctness.md wants: | {name} | {said} | {ours} | reason | RFC |"
    assert summed(pair_counts(flows), run) == summed(theirs.pairs, run)
    if theirs.fragments == 0:
        ways = one_way(flows)
        assert {key: ways.get(key) for key in theirs.tuples} == dict(theirs.tuples)


def test_every_row_names_a_capture_and_a_reason():
    millrace.shared("captures")
    names = {millrace.capture_name(p) for p in millrace.captures()}
    for name, row in EXCEPTIONS.items():
        assert name in names and row["reason"], row
    assert OTHER_TIMES <= names
