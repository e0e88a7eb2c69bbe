# SPDX-License-Identifier: Apache-2.0
"""
What collectors make of our records, value by value, against the generator's books: the rows fixed-length,
enterprise-ie, reduced-size, times, biflow, options-scopes and malformed-out of the conformance suite (README.md).
"""
import subprocess

import pytest

import millrace
from collectors import (NFACCTD_BIFLOW, NFACCTD_COMPAT, Nfacctd, Nfcapd, Sniffer, ipfix_dump, ipfix_dump_records)
from records import (NFACCTD_FIELDS, NFCAPD_FIELDS, expected, generate, of_elements, of_nfacctd, of_nfdump,
                     of_tshark, only)

millrace.require_binary()

PROFILES = ("compat", "biflow", "full")
VLAN = 100
# TCP with handshakes, UDP and echo over both families; a small share of answers leaves some flows one-sided
KEYS = ("packets=3k", "flows=80", "new=20", "rate=1k", "handshake=yes", "tcp=50", "icmp=20", "ipv6=40", "reply=20",
        f"vlan={VLAN}")


class Sent:
    """One capture exported in one profile to every reader."""

    def __init__(self, folder, profile, capture, flows, shift_s=0):
        self.profile = profile
        self.flows = expected(flows, profile, VLAN, shift_s)
        nfacctd_fields = NFACCTD_COMPAT if profile == "compat" else NFACCTD_BIFLOW
        with Nfcapd(folder) as self.nfcapd, Nfacctd(folder, nfacctd_fields) as self.nfacctd, \
                Sniffer(folder, self.nfcapd.port) as self.sniffer:
            self.run = millrace.read(capture, folder / "out", "-p", profile, "-e", f"udp://127.0.0.1:{self.nfcapd.port}",
                                     "-e", f"udp://127.0.0.1:{self.nfacctd.port}")
            assert self.run.exit_status == 0, self.run.stderr
            self.sniffer.wait_for(self.run.stats["collectors"][0]["messages"])
            self.nfacctd.wait_for_flows(len(self.flows))
        self.file = write_file(folder, profile, capture)


def write_file(folder, profile, capture):
    """An RFC 5655 file in the profile; the one of `-o` is always full."""
    path = folder / f"{profile}.ipfix"
    subprocess.run([millrace.BINARY, "read", "-q", capture, "--set", f"export.file={path}", "--set",
                    f"export.file_profile={profile}"], check=True, capture_output=True, timeout=60)
    return path


@pytest.fixture(scope="module", params=PROFILES)
def sent(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    capture, expectations = generate(folder, *KEYS)
    return Sent(folder, request.param, capture, expectations["flows"])


def data_of_tshark(sniffer):
    return [of_tshark(fields) for _, fields in sniffer.records() if "cflow.packets" in fields]


def data_of_file(path):
    return [of_elements(r) for r in ipfix_dump_records(path) if "flowEndReason" in r]


# ---- fixed-length, biflow, enterprise-ie: every value in every profile ----

def test_fixed_length_nfcapd(sent):
    assert only(map(of_nfdump, sent.nfcapd.flows()), NFCAPD_FIELDS) == only(sent.flows, NFCAPD_FIELDS)
    # nfcapd doesn't count options data, so the statistics at the end may look like a gap, records before it don't
    gaps, bad = sent.nfcapd.log_counts()
    assert bad == 0 and gaps <= 1, sent.nfcapd.log


def test_fixed_length_nfacctd(sent):
    assert only(map(of_nfacctd, sent.nfacctd.flows()), NFACCTD_FIELDS) == only(sent.flows, NFACCTD_FIELDS)


def test_fixed_length_tshark(sent):
    assert sent.sniffer.remarks() == ""
    assert sorted(data_of_tshark(sent.sniffer)) == sent.flows


def test_fixed_length_ipfixdump(sent):
    assert ipfix_dump(sent.file).warnings == ""
    assert sorted(data_of_file(sent.file)) == sent.flows


def test_biflow(sent):
    """Both kinds of flows were there, and one-sided ones used the uniflow template, which has no reverse elements."""
    both = sum(1 for r in sent.flows if r.rev_packets)
    if sent.profile == "compat":
        assert both == 0
        return
    assert 0 < both < len(sent.flows)
    reverse = [bool(fields["reverse"]) for _, fields in sent.sniffer.records() if "cflow.packets" in fields]
    assert (reverse.count(True), reverse.count(False)) == (both, len(sent.flows) - both)


def test_enterprise_ie(sent):
    """Reverse elements (enterprise 29305) are shown by those who know them; test_fixed_length shows the others skip."""
    enterprise = b"\x00\x00\x72\x79"
    templates = [payload for payload in sent.sniffer.payloads() if payload[16:18] == b"\x00\x02"]
    assert any(enterprise in payload for payload in templates) == (sent.profile != "compat")
    shown = {name for r in ipfix_dump_records(sent.file) for name in r if name.startswith("reverse")}
    assert len(shown) == {"compat": 0, "biflow": 5, "full": 13}[sent.profile]


def test_reduced_size(sent):
    """tcpControlBits in 1 of 2 octets in all profiles, minimum- and maximumIpTotalLength in 2 of 8 in full."""
    records = [r for r in ipfix_dump_records(sent.file) if "flowEndReason" in r]
    assert any(int(r["tcpControlBits"]) for r in records)
    if sent.profile != "full":
        return
    want = {r["flowId"]: (r["minimumIpTotalLength"], r["maximumIpTotalLength"]) for r in sent.run.records()}
    assert all(28 <= low <= high <= 1500 for low, high in want.values())
    assert {r["flowId"]: (int(r["minimumIpTotalLength"]), int(r["maximumIpTotalLength"])) for r in records} == want
    shown = {f["cflow.flow_id"][0]: (int(f["cflow.length_min"][0]), int(f["cflow.length_max"][0]))
             for _, f in sent.sniffer.records() if "cflow.length_min" in f}
    assert shown == want


def test_options_scopes(sent):
    """Sampling 1 in 1 leaves the counters alone (test_fixed_length); each options record shows its scope."""
    shown = {}
    for number, fields in sent.sniffer.records():
        if 320 <= number < 384:  # from there on: flows with details
            shown.setdefault(number, fields)
    assert shown.keys() == {320, 321, 322, 323} | ({324, 325, 327, 328} if sent.profile == "full" else set())
    assert shown[320]["cflow.sampling_interval"] == ["1"]
    assert all(shown[number]["cflow.od_id"] == ["1"] for number in (320, 321, 322))
    if 328 in shown:
        assert shown[328]["cflow.if_name"][0].rstrip("\0") == "capture"
    dumped = ipfix_dump_records(sent.file)
    assert any(r.get("samplingInterval") == "1" and r.get("observationDomainId") == "1" for r in dumped)
    reliability = [r for r in dumped if "ignoredPacketTotalCount" in r]
    assert reliability and all(int(r["ignoredPacketTotalCount"]) == 0 for r in reliability)


# ---- times ----

@pytest.mark.parametrize("day, shift_s", [("leap day", 1709251198 - 1700000000), ("past 2^31 s", 2147483647 - 1700000000),
                                          ("NTP era 1", 2085978495 - 1700000000)])
def test_times(tmp_path, day, shift_s):
    """Across midnight after 29 February 2024, the last second of 32-bit time, and the new NTP era in 2036."""
    made, expectations = generate(tmp_path, *KEYS)
    capture = tmp_path / "moved.pcap"
    subprocess.run(["editcap", "-F", "nsecpcap", "-t", str(shift_s), made, capture], check=True, capture_output=True,
                   timeout=60)
    sent = Sent(tmp_path, "full", capture, expectations["flows"], shift_s)
    assert only(map(of_nfdump, sent.nfcapd.flows()), NFCAPD_FIELDS) == only(sent.flows, NFCAPD_FIELDS), day
    assert sorted(data_of_tshark(sent.sniffer)) == sent.flows
    assert sorted(data_of_file(sent.file)) == sent.flows
    # Export Time is the capture's, never 1970
    exported_s = [int.from_bytes(payload[4:8], "big") for payload in sent.sniffer.payloads()]
    assert 1700000000 + shift_s <= min(exported_s) and max(exported_s) <= 1700000000 + shift_s + 3600


# ---- malformed-out ----

@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("scenario", ["odd", "fragments", "tcp", "timeouts"])
def test_malformed_out(tmp_path, scenario, profile):
    """Whatever comes in, what goes out parses."""
    capture, _ = generate(tmp_path, f"scenario={scenario}")
    path = write_file(tmp_path, profile, capture)
    assert ipfix_dump(path).warnings == ""
    done = subprocess.run(["tshark", "-n", "-o", "cflow.max_template_fields:128", "-r", path, "-Y",
                           "_ws.malformed || _ws.expert"], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == ""
