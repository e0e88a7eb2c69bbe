# SPDX-License-Identifier: Apache-2.0
"""The collectors that other interop tests rely on, fed with the sample messages of the shared folder."""
import subprocess
import sys

import pytest

import millrace
from collectors import ipfix_dump


def send_sample(*options):
    script = millrace.shared("ipfix-interop", "send_sample.py")
    subprocess.run([sys.executable, script, *options], check=True, capture_output=True, timeout=60)


# records that the README beside the sample gives for each profile
@pytest.mark.parametrize("profile, records", [("compat", 6), ("biflow", 3), ("full", 3)])
def test_nfcapd_stores_the_sample(nfcapd, profile, records):
    send_sample("--profile", profile, "--odid", "7", "--udp", f"127.0.0.1:{nfcapd.port}")
    nfcapd.stop()
    assert len(nfcapd.flows()) == records, nfcapd.log
    assert nfcapd.sequence_failures() == 0


def test_nfacctd_prints_the_sample(nfacctd):
    send_sample("--profile", "biflow", "--odid", "7", "--udp", f"127.0.0.1:{nfacctd.port}")
    flows = nfacctd.wait_for_flows(3)
    assert {(f["ip_src"], f["packets"], f["bytes"]) for f in flows} >= {("192.0.2.10", 17, 12345)}


@pytest.mark.parametrize("profile, counts", [("compat", (6, 10, 8)), ("biflow", (6, 7, 8)), ("full", (6, 19, 13))])
def test_ipfixdump_counts_the_sample(tmp_path, profile, counts):
    send_sample("--profile", profile, "--file", str(tmp_path / "sample.ipfix"))
    dump = ipfix_dump(tmp_path / "sample.ipfix")
    assert (dump.messages, dump.data_records, dump.template_records) == counts
    assert dump.warnings == ""
