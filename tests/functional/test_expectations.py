# SPDX-License-Identifier: Apache-2.0
"""
Flow by flow against arkime, ipfixprobe and nDPI: packets and octets of both directions of every conversation. Each that
differs is a row of docs/correctness.md; a row that is wrong or not needed any more fails too. Of their conversations
99 % agree, not counting tunnels, which those tools open, and captures with a row for the flow `*`.
"""
import pytest

import application_fields
import doctable
import expectations
import expected_values
import millrace
import oracle
from flows import conversation_name, conversations, counts_name

millrace.require_binary()

COLUMNS = ("file", "tool", "flow", "theirs", "ours", "why")
LEAST_SHARE = 0.99


def expectation_files(tool):
    """[(capture, expectation file)] of a tool."""
    folder = millrace.shared("captures", tool)
    if tool == "arkime":
        return [(f.with_suffix(".pcap"), f) for f in sorted(folder.glob("*.test"))]
    if tool == "ndpi":
        return [(f.with_suffix(""), f) for f in sorted(folder.glob("*.out"))]
    outputs = [folder / "outputs" / name for name in expectations.IPFIXPROBE_WHOLE]
    return [(expectations.ipfixprobe_input(f), f) for f in outputs]


def value_files(tool):
    """The same where values are stated: of ipfixprobe all, but passivedns, whose names are those of answers."""
    if tool != "ipfixprobe":
        return expectation_files(tool)
    folder = millrace.shared("captures", tool, "outputs")
    return [(expectations.ipfixprobe_input(f), f) for f in sorted(folder.iterdir()) if f.name != "passivedns"]


def rows_of(tool):
    """{(capture, flow): row} that docs/correctness.md explains."""
    return {(row["file"], row["flow"]): row for row in doctable.rows("correctness.md", *COLUMNS)
            if row["tool"] == tool}


def has_no_decoder(run):
    """Whether the capture's link type has none: everything is counted as that, and nothing is there to compare."""
    return run.counter("link_unsupported") == run.account["received"]


def compare(tool, folder):
    """Returns ({(capture, flow): theirs}, {(capture, flow): (theirs, ours)} that differ)."""
    parse = getattr(expectations, tool)
    same = expectations.arkime_sessions if tool == "arkime" else lambda flows: flows
    bytes_are = "ip" if tool == "ipfixprobe" else "frame"
    files = expectation_files(tool)
    everything, differing = {}, {}
    runs = millrace.read_each(sorted({capture for capture, _ in files}), folder, "--set", "inspect.tunnels=outer")
    for capture, file in files:
        run = runs[capture].result()
        assert run.exit_status == 0, f"{capture}: {run.stderr}"
        if has_no_decoder(run):
            continue
        theirs, ours = conversations(same(parse(file))), conversations(same(run.flows(bytes_are)))
        for key in theirs.keys() | ours.keys():
            name = millrace.capture_name(capture), conversation_name(key)
            if key in theirs:
                everything[name] = counts_name(theirs[key])
            if theirs.get(key) != ours.get(key):
                differing[name] = (counts_name(theirs.get(key)), counts_name(ours.get(key)))
    return everything, differing


@pytest.mark.parametrize("tool", ["arkime", "ipfixprobe", "ndpi"])
def test_conversations_agree(tool, tmp_path):
    everything, differing = compare(tool, tmp_path)
    rows = rows_of(tool)
    whole = {capture for capture, flow in rows if flow == "*"}
    unused = whole - {capture for capture, _ in differing}
    assert not unused, f"docs/correctness.md: rows not needed any more: {sorted(unused)}"
    single = {key: counts for key, counts in differing.items() if key[0] not in whole}
    listed = {key: (row["theirs"], row["ours"]) for key, row in rows.items() if key[1] != "*"}
    missing = [f"| `{capture}` | {tool} | {flow} | {theirs} | {ours} | why |"
               for (capture, flow), (theirs, ours) in sorted(single.items())
               if listed.get((capture, flow)) != (theirs, ours)]
    assert not missing, "not in docs/correctness.md:\n" + "\n".join(missing)
    assert listed.keys() == single.keys(), f"rows not needed any more: {sorted(listed.keys() - single.keys())}"

    tunnels = {key for key, row in rows.items() if row["why"].startswith("tunnel")}
    compared = {key for key in everything if key[0] not in whole and key not in tunnels}
    agreeing = compared - single.keys()
    print(f"{tool}: {len(agreeing)} of {len(compared)} conversations agree; "
          f"{len(everything) - len(compared)} are tunnels or in captures left out")
    assert len(agreeing) >= LEAST_SHARE * len(compared)


def values_missing(tool, folder):
    """
    ({(capture, conversation, field, value)} stated, those that our records don't have, {(capture, conversation)} whose
    records say that some values found no room)
    """
    parse = getattr(expected_values, tool)
    files = value_files(tool)
    runs = millrace.read_each(sorted({capture for capture, _ in files}), folder)
    stated, missing, cut = set(), set(), set()
    for capture, file in files:
        name, records = millrace.capture_name(capture), runs[capture].result().records()
        theirs, ours = parse(file), expected_values.of_records(records)
        stated.update((name, *value) for value in theirs)
        missing.update((name, *value) for value in theirs - ours)
        cut.update((name, application_fields.conversation_of(r)) for r in records if r.get("valuesCut"))
    return stated, missing, cut


@pytest.mark.parametrize("tool", ["arkime", "ipfixprobe", "ndpi"])
def test_values_are_reproduced(tool, tmp_path):
    stated, missing, cut = values_missing(tool, tmp_path)
    explained = oracle.Explained(f"Values that {tool} states")
    share = oracle.compare(stated, stated - missing, cut, explained)
    for field, (agreeing, compared) in share.items():
        print(f"{tool} {field}: {agreeing} of {compared}")
    assert not oracle.too_low(share)
