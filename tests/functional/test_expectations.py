# SPDX-License-Identifier: Apache-2.0
"""
Flow by flow against arkime, ipfixprobe and nDPI: packets and octets of both directions of every conversation. At least
99 % agree, and each that doesn't is a row of docs/correctness.md. A row for the flow `*` takes a whole capture out, for
a tool that means something else by a flow there (tunnels, reassembly).
"""
import pytest

import doctable
import expectations
import millrace
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


def rows_of(tool):
    """{(capture, flow): (theirs, ours)} that docs/correctness.md explains."""
    return {(row["file"], row["flow"]): (row["theirs"], row["ours"])
            for row in doctable.rows("correctness.md", *COLUMNS) if row["tool"] == tool}


def compare(tool, folder):
    """Returns (conversations compared, {(capture, flow): (theirs, ours)} that differ)."""
    parse = getattr(expectations, tool)
    bytes_are = "ip" if tool == "ipfixprobe" else "frame"
    compared, differing = 0, {}
    for i, (capture, file) in enumerate(expectation_files(tool)):
        run = millrace.read(capture, folder / str(i))
        assert run.exit_status == 0, f"{capture}: {run.stderr}"
        theirs, ours = conversations(parse(file)), conversations(run.flows(bytes_are))
        compared += len(theirs.keys() | ours.keys())
        for key in theirs.keys() | ours.keys():
            if theirs.get(key) != ours.get(key):
                differing[millrace.capture_name(capture), conversation_name(key)] = (
                    counts_name(theirs.get(key)), counts_name(ours.get(key)))
    return compared, differing


@pytest.mark.parametrize("tool", ["arkime", "ipfixprobe", "ndpi"])
def test_conversations_agree(tool, tmp_path):
    compared, differing = compare(tool, tmp_path)
    explained = rows_of(tool)
    whole = {capture for capture, flow in explained if flow == "*"}
    unused = whole - {capture for capture, _ in differing}
    assert not unused, f"docs/correctness.md: rows not needed any more: {sorted(unused)}"
    single = {key: counts for key, counts in differing.items() if key[0] not in whole}
    listed = {key: counts for key, counts in explained.items() if key[1] != "*"}
    missing = [f"| {capture} | {tool} | {flow} | {theirs} | {ours} | why |"
               for (capture, flow), (theirs, ours) in sorted(single.items()) if listed.get((capture, flow)) != (theirs, ours)]
    print(f"{tool}: {compared - len(differing)} of {compared} conversations agree")
    assert not missing, "not in docs/correctness.md:\n" + "\n".join(missing)
    assert listed.keys() == single.keys(), f"rows not needed any more: {sorted(listed.keys() - single.keys())}"
    assert len(single) <= (1 - LEAST_SHARE) * compared, f"{len(single)} of {compared} differ"
