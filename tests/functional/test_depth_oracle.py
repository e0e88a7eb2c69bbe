# SPDX-License-Identifier: Apache-2.0
"""
What tshark says that flows are about, in all shared captures, against our records: names, fingerprints and so on per
conversation, and the identifiers of tunnels. At least 98 % of tshark's values are in our records, per field, and ours
has nothing that isn't in tshark's. Each difference is a row of docs/correctness.md; a row that is wrong or not needed
any more fails too.
"""
import pytest

import application_fields
import batches
import millrace
import oracle
import tunnels

millrace.require_binary()

CUT_AT_MOST = 0.01  # of the conversations with values


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """[(batch, (values, tunnels) of tshark, our records)]"""
    millrace.shared("captures")
    return batches.both(lambda batch: (application_fields.of_tshark(batch), tunnels.of_tshark(batch)),
                        tmp_path_factory.mktemp("out"))


def joined(sets):
    return set().union(*sets)


def report(share):
    for field, (agreeing, compared) in share.items():
        print(f"{field}: {agreeing} of {compared}")


def test_application_fields(results):
    theirs = joined(values for _, (values, _), _ in results)
    ours = joined(application_fields.of_records(batch, records) for batch, _, records in results)
    cut = joined(application_fields.cut(batch, records) for batch, _, records in results)
    share = oracle.compare(theirs, ours, cut, oracle.Explained("Application fields, against tshark"))
    report(share)
    print(f"{len(cut)} conversations have more values than a record may hold, and their records say so")
    assert len(cut) <= CUT_AT_MOST * len({value[:2] for value in theirs})
    assert not oracle.too_low(share)


def test_tunnels(results):
    theirs = joined(ids for _, (_, ids), _ in results)
    ours = joined(tunnels.of_records(batch, records) for batch, _, records in results)
    share = oracle.compare(theirs, ours, set(), oracle.Explained("Tunnels, against tshark"))
    report(share)
    assert not oracle.too_low(share)
