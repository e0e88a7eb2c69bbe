# SPDX-License-Identifier: Apache-2.0
"""
What millrace-gen puts into its captures beyond headers, as tshark sees it: nothing malformed, right checksums, no
trouble in TCP but what was asked for, and the names and tunnel ids that --expect says.
"""
import json
import shutil
import subprocess
from collections import defaultdict

import pytest

import millrace

GENERATOR = millrace.BUILD / "tools" / "gen" / "millrace-gen"
CHECKSUMS = ("-o", "ip.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE")
WRONG = ("_ws.malformed or ip.checksum.status == 0 or tcp.checksum.status == 0 or udp.checksum.status == 0"
         " or icmp.checksum.status == 0")
NAMES = ("tls.handshake.extensions_server_name", "http.host", "dns.qry.name")

# scenario evasion-NAME -> a filter and how many packets it takes at least
EVASIONS = {
    "overlap": ("tcp.analysis.out_of_order", 1),
    "tiny": ("tcp.len == 1", 90),
    "checksum": ("tcp.checksum.status == 0", 2),
    "wrap": ("tcp.seq_raw < 1000 and tcp.len > 0", 2),
    "fragments": ("ip.flags.mf == 1 or ipv6.fraghdr.more == 1", 80),
    "nested": ("ip.proto == 4", 1),
    "gzip": ("http.content_encoding == \"gzip\"", 1),
    "headers": ("http.request", 1),
    "dns": ("udp.dstport == 53", 2),
}

# our name -> tshark's field of the id; and the keys beside tunnel= that the traffic in it needs
TUNNELS = {
    "vxlan": "vxlan.vni", "geneve": "geneve.vni", "gre": "gre.key", "nvgre": "gre.key",
    "erspan2": "erspan.spanid", "ipip": None, "6in4": None, "gtpu": "gtp.teid", "mpls": "mpls.label",
    "pppoe": "pppoe.session_id", "l2tp": "l2tp.session", "teredo": None,
}
# what tshark shows of our number: of L2TP's tunnel << 16 | session the latter; NVGRE's VSID as a part of the whole key
SHOWN = {"l2tp": lambda number: number & 0xffff, "nvgre": lambda number: number << 8}
NESTED = (("vxlan", "gre"), ("gre", "vxlan"), ("gtpu", "ipip"), ("vxlan", "mpls"), ("pppoe", "l2tp"),
          ("mpls", "teredo"), ("geneve", "nvgre"), ("erspan2", "6in4"))

if not GENERATOR.exists():
    pytest.skip(f"millrace-gen is not built: no {GENERATOR}", allow_module_level=True)
if shutil.which("tshark") is None:
    if millrace.CI:
        raise RuntimeError("tshark is not installed")
    pytest.skip("tshark is not installed", allow_module_level=True)


def make(tmp_path, *keys):
    """Returns (capture, expectations)."""
    capture, expect = tmp_path / "gen.pcap", tmp_path / "gen.json"
    subprocess.run([GENERATOR, *keys, "-o", capture, "--expect", expect], check=True)
    return capture, json.loads(expect.read_text(encoding="utf-8"))


def tshark(capture, fields, only=""):
    """Rows of the fields of the packets that the filter `only` takes; several values of a field: a comma between."""
    asked = [word for field in fields for word in ("-e", field)]
    done = subprocess.run(["tshark", "-n", "-r", capture, *CHECKSUMS, "-T", "fields", *asked, "-Y", only or "frame"],
                          check=True, capture_output=True, text=True)
    return [line.split("\t") for line in done.stdout.splitlines()]


def count(capture, only):
    return len(tshark(capture, ["frame.number"], only))


def family_keys(*tunnels):
    return "ipv6=100" if {"6in4", "teredo"} & set(tunnels) else "ipv6=30"


def innermost(text):
    return text.split(",")[-1]


def port_rows(capture, fields, only):
    """{(proto, client's port): [values of the fields]}; ports are those within all tunnels, the client's the higher."""
    rows = defaultdict(list)
    for row in tshark(capture, ["tcp.srcport", "tcp.dstport", "udp.srcport", "udp.dstport", *fields], only):
        proto, ports = (6, row[:2]) if row[0] else (17, row[2:4])
        client = max(int(innermost(port)) for port in ports)
        rows[proto, client].append(row[4:])
    return rows


def expected_flows(expect):
    """{(proto, client's port): flow}; few flows are, with this seed, all of different ports."""
    flows = {(flow["proto"], max(flow["src_port"], flow["dst_port"])): flow for flow in expect["flows"]}
    assert len(flows) == len(expect["flows"])
    return flows


def names_match(capture, expect):
    """Compares every name in the capture with what its flow should say; returns the applications seen."""
    flows, apps = expected_flows(expect), set()
    for key, rows in port_rows(capture, NAMES, " or ".join(NAMES)).items():
        assert {name for row in rows for name in row if name} == {flows[key]["host"]}
        apps.add(flows[key]["app"])
    return apps


@pytest.mark.parametrize("mix", ["web", "http", "tls", "tls12", "tls13", "dns", "quic"])
def test_applications_are_well_formed(tmp_path, mix):
    capture, expect = make(tmp_path, "packets=2k", "flows=40", f"mix={mix}", "ipv6=30", "new=40", "rate=10k")
    assert count(capture, f"{WRONG} or tcp.analysis.flags") == 0
    apps = {"web": {"http", "tls12", "tls13", "dns", "quic"}, "tls": {"tls12", "tls13"}}.get(mix, {mix})
    assert names_match(capture, expect) == apps
    assert expect["tcp_faults"] == {"lost": 0, "retransmitted": 0, "late": 0}


def test_http_says_what_it_should(tmp_path):
    capture, _ = make(tmp_path, "packets=2k", "flows=20", "mix=http", "rate=10k")
    requests = tshark(capture, ["http.request.method", "http.request.uri", "http.user_agent"], "http.request")
    assert requests and {tuple(row) for row in requests} == {("GET", "/index.html?lang=en", "millrace-gen/1.0")}
    answers = tshark(capture, ["http.response.code", "http.content_length"], "http.response")
    assert answers and {tuple(row) for row in answers} == {("200", "3400")}


def test_faults_have_the_number_they_say(tmp_path):
    capture, expect = make(tmp_path, "packets=20k", "flows=50", "mix=web", "rate=10k", "order=roundrobin", "lost=5",
                           "retransmit=7", "reorder=10")
    faults = expect["tcp_faults"]
    assert min(faults.values()) > 50
    assert count(capture, WRONG) == 0
    assert count(capture, "tcp.analysis.retransmission") == faults["retransmitted"]
    assert count(capture, "tcp.analysis.out_of_order") == faults["late"]
    assert count(capture, "tcp.analysis.ack_lost_segment") == faults["lost"]
    for kind in ("lost", "retransmitted", "late"):
        assert faults[kind] == sum(flow["tcp_faults"][kind] for flow in expect["flows"])


@pytest.mark.parametrize("tunnels", [(name,) for name in TUNNELS] + list(NESTED), ids="+".join)
def test_tunnels_are_what_they_say(tmp_path, tunnels):
    keys = [f"tunnel{'2' if level else ''}={name}" for level, name in enumerate(tunnels)]
    capture, expect = make(tmp_path, "packets=1k", "flows=40", "mix=web", family_keys(*tunnels), "rate=10k", *keys)
    assert count(capture, f"{WRONG} or tcp.analysis.flags") == 0
    names_match(capture, expect)
    with_id = [(name, level) for level, name in enumerate(tunnels) if TUNNELS[name] is not None]
    if not with_id:
        return
    flows = expected_flows(expect)
    rows = port_rows(capture, [TUNNELS[name] for name, _ in with_id], "")
    assert set(rows) == set(flows)
    for key, values in rows.items():
        for at, (name, level) in enumerate(with_id):
            wanted = {SHOWN.get(name, int)(number) for number in flows[key]["tunnels"][level]["id"]}
            assert {int(row[at], 0) for row in values} == wanted


@pytest.mark.parametrize("keys", [["tcp=40", "icmp=10", "size=imix"], ["handshake=yes", "tcp=70", "new=10"]], ids=str)
def test_tunnels_go_around_all_traffic(tmp_path, keys):
    for name in TUNNELS:
        inside = [key for key in keys if name != "teredo" or not key.startswith("icmp")]  # there tshark wants a nonce
        capture, _ = make(tmp_path, "packets=500", "flows=50", "rate=1k", family_keys(name), f"tunnel={name}", *inside)
        assert count(capture, WRONG) == 0, name


@pytest.mark.parametrize("name", EVASIONS)
def test_evasions_are_what_they_say(tmp_path, name):
    capture, expect = make(tmp_path, f"scenario=evasion-{name}")
    assert expect["metered_packets"] == expect["packets"] == count(capture, "")
    assert len(expect["flows"]) == {"fragments": 6, "dns": 2}.get(name, 1)
    only, least = EVASIONS[name]
    assert count(capture, only) >= least
    if name not in ("checksum", "dns", "fragments"):  # these are wrong on purpose
        assert count(capture, WRONG) == 0
