# SPDX-License-Identifier: Apache-2.0
"""IPFIX files of every profile, read by libfixbuf (ipfixDump), tshark and our own decoder, field by field."""
import contextlib
import ipaddress
import json
import re
import signal
import socket
import subprocess
import time

import pytest

import millrace
from collectors import NFACCTD_BIFLOW, Nfacctd, Nfcapd, element_file, ipfix_dump, ipfix_dump_records
from processes import free_port, udp_port_is_open, wait_until
from records import of_nfacctd, of_nfdump

FLOWS = 3000
PROFILES = ("compat", "biflow", "full", "details")  # the last one is full, with records that have details
SAMPLE = millrace.BUILD / "tests" / "interop" / "ipfix_sample"
DECODER = millrace.BUILD / "tools" / "ipfix" / "millrace-ipfix"
IANA = millrace.SOURCE / "lib" / "ipfix" / "mr_ipfix_ie_iana.c"

# it reads templates of up to 60 fields unless told otherwise
TSHARK = ("tshark", "-o", "cflow.max_template_fields:128")
# tshark calls these otherwise; that ours are the registered names is libfixbuf's word
TSHARK_OWN_NAMES = {213, 214, 215, 313, 314}


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture(scope="module", params=PROFILES)
def sample(request, tmp_path_factory):
    """The profile, a file in it, and what went in."""
    path = tmp_path_factory.mktemp(request.param) / "sample.ipfix"
    done = run(SAMPLE, request.param, path, str(FLOWS))
    assert done.returncode == 0, done.stderr
    flows = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(flows) == FLOWS
    return request.param, path, flows


def decoded(path):
    done = run(DECODER, path)
    assert (done.returncode, done.stderr) == (0, "")
    return [json.loads(line) for line in done.stdout.splitlines()]


def libfixbuf(path):
    """Its data records; it knows our elements by what the file itself says of them."""
    elements = element_file(path.with_suffix(".xml"), [r for r in decoded(path) if "informationElementName" in r])
    return ipfix_dump_records(path, elements)


def data_records(path):
    """Records of flows only."""
    return [record for record in decoded(path) if "flowEndReason" in record]


def expected_views(profile, flow):
    """What the records of a flow must say: (source is the initiator, has reverse fields)."""
    seen = [packets > 0 for packets in flow["packets"]]
    if all(seen):
        return [(0, False), (1, False)] if profile == "compat" else [(0, True)]
    return [(0 if seen[0] else 1, False)]


def view(flow, forward, reverse):
    back = 1 - forward
    ends = [(flow["src"], flow["sport"]), (flow["dst"], flow["dport"])]
    out = (*ends[forward], *ends[back], flow["proto"], flow["packets"][forward], flow["octets"][forward],
           flow["start_ns"][forward] // 10**6, flow["end_ns"][forward] // 10**6, flow["flags"][forward],
           flow["tos"][forward], flow["reason"], flow["vlan"], 3 + forward, 4 - forward)
    if reverse:
        out += (flow["packets"][back], flow["octets"][back], flow["start_ns"][back] // 10**6, flow["flags"][back])
    return out


def milliseconds(text):
    seconds, fraction = re.fullmatch(r"2026-01-01[T ]00:00:(\d\d)\.(\d+)Z?", text).groups()
    return 1767225600000 + int(seconds) * 1000 + int(fraction[:3])


def view_of_record(r):
    def address(side):
        return str(ipaddress.ip_address(r.get(side + "IPv4Address") or r[side + "IPv6Address"]))

    out = (address("source"), int(r.get("sourceTransportPort", 0)),
           address("destination"), int(r.get("destinationTransportPort", 0)), int(r["protocolIdentifier"]),
           int(r["packetDeltaCount"]), int(r["octetDeltaCount"]), milliseconds(r["flowStartMilliseconds"]),
           milliseconds(r["flowEndMilliseconds"]), int(r["tcpControlBits"]), int(r["ipClassOfService"]),
           int(r["flowEndReason"]), int(r["vlanId"]), int(r["ingressInterface"]), int(r["egressInterface"]))
    if "reversePacketDeltaCount" in r:
        out += (int(r["reversePacketDeltaCount"]), int(r["reverseOctetDeltaCount"]),
                milliseconds(r["reverseFlowStartMilliseconds"]), int(r["reverseTcpControlBits"]))
    return out


def test_everything_that_went_in_comes_out(sample):
    profile, path, flows = sample
    want = sorted(view(f, *v) for f in flows for v in expected_views(profile, f))
    assert sorted(view_of_record(r) for r in data_records(path)) == want


def test_libfixbuf_reads_what_went_in(sample):
    profile, path, flows = sample
    dump = ipfix_dump(path)
    assert dump.warnings == ""
    if profile != "details":
        assert dump.template_records == {"compat": 8, "biflow": 12, "full": 16}[profile]
    want = sorted(view(f, *v) for f in flows for v in expected_views(profile, f))
    assert sorted(view_of_record(r) for r in libfixbuf(path) if "flowEndReason" in r) == want


@pytest.mark.parametrize("reader", [data_records, libfixbuf])
def test_details_come_out(tmp_path, reader):
    path = tmp_path / "details.ipfix"
    flows = [json.loads(line) for line in run(SAMPLE, "details", path, str(FLOWS)).stdout.splitlines()]
    want = {view(f, *v): f["detail"] for f in flows for v in expected_views("details", f)}
    got = {view_of_record(r): r for r in reader(path) if "flowEndReason" in r}
    assert got.keys() == want.keys() and len(want) == FLOWS
    for key, detail in want.items():
        assert {name: canonical(name, got[key][name]) for name in detail} == \
            {name: canonical(name, value) for name, value in detail.items()}
        assert ("tunnelPath" in got[key]) == ("tunnelId" in detail)
    assert {name for detail in want.values() for name in detail} >= {
        "clientRttMicroseconds", "flowOutcome", "tunnelId", "httpRequestTarget", "tls_sni", "dns_name"}
    lengths = {len(detail["httpRequestTarget"]) for detail in want.values() if "httpRequestTarget" in detail}
    assert lengths == {254, 255, 256, 2000}


def sent_details(count):
    """The datagrams with so many flows with details, and what went in."""
    with socket.socket(type=socket.SOCK_DGRAM) as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        s.bind(("127.0.0.1", 0))
        s.setblocking(False)
        done = run(SAMPLE, "details", f"udp:{s.getsockname()[1]}", str(count))
        assert done.returncode == 0, done.stderr
        datagrams = []
        with contextlib.suppress(BlockingIOError):
            while True:
                datagrams.append(s.recv(65535))
    return datagrams, [json.loads(line) for line in done.stdout.splitlines()]


def test_collectors_take_records_with_details(tmp_path):
    """nfcapd and nfacctd skip what they don't know and have the rest right."""
    datagrams, flows = sent_details(100)
    assert max(map(len, datagrams)) <= 1420
    with Nfcapd(tmp_path) as nfcapd, Nfacctd(tmp_path, NFACCTD_BIFLOW) as nfacctd, socket.socket(
            type=socket.SOCK_DGRAM) as s:
        for datagram in datagrams:
            for collector in (nfcapd, nfacctd):
                s.sendto(datagram, ("127.0.0.1", collector.port))
            time.sleep(0.005)  # nfacctd loses all of a burst that begins with its templates
        theirs = [of_nfacctd(r) for r in nfacctd.wait_for_flows(len(flows))]
    assert nfcapd.log_counts()[1] == 0, nfcapd.log
    want = sorted(view(f, *v)[:7] for f in flows for v in expected_views("details", f))
    for records in (theirs, [of_nfdump(r) for r in nfcapd.flows()]):
        assert sorted((r.src, r.sport, r.dst, r.dport, r.proto, r.packets, r.octets) for r in records) == want


def canonical(name, text):
    """One form for the two printers."""
    if name.endswith("Address") and "Mac" not in name:
        return str(ipaddress.ip_address(text))
    if name == "applicationId":  # four octets 06...; ipfixDump prints a number of its machine
        return int.from_bytes(bytes.fromhex(text), "little") if len(text) == 8 and text[0] == "0" else int(text)
    if "illiseconds" in name:
        return text.replace("T", " ")[:23]
    if name.endswith("Nanoseconds"):
        return text.replace("T", " ")[:19]  # ipfixDump prints whole seconds
    if name.startswith("mpls"):
        return int(text, 16) if text else 0
    return str(text).rstrip("\0")


def test_our_decoder_and_libfixbuf_agree_on_every_field(sample):
    _, path, _ = sample
    ours, theirs = decoded(path), libfixbuf(path)
    assert len(ours) == len(theirs)
    for mine, other in zip(ours, theirs):
        assert list(mine) == list(other)
        assert {k: canonical(k, v) for k, v in mine.items()} == {k: canonical(k, v) for k, v in other.items()}


def test_tshark_has_nothing_to_remark(sample):
    _, path, _ = sample
    done = run(*TSHARK, "-r", path, "-Y", "_ws.malformed || _ws.expert", "-T", "fields", "-e", "frame.number", "-e",
               "_ws.expert.message")
    assert (done.returncode, done.stdout) == (0, "")


def test_tshark_sees_the_same_packets(sample):
    _, path, _ = sample
    done = run(*TSHARK, "-r", path, "-T", "fields", "-e", "cflow.packets", "-e", "cflow.octets")
    sums = [sum(int(n) for line in done.stdout.splitlines() for n in line.split("\t")[column].split(",") if n)
            for column in (0, 1)]
    reverse = [sum(int(r.get(key, 0)) for r in data_records(path))
               for key in ("reversePacketDeltaCount", "reverseOctetDeltaCount")]
    forward = [sum(int(r[key]) for r in data_records(path)) for key in ("packetDeltaCount", "octetDeltaCount")]
    # tshark shows reverse counters in fields of the same name
    assert sums in (forward, [f + r for f, r in zip(forward, reverse)])


def test_names_of_elements_are_those_of_tshark():
    ours = {int(i): name for i, name in re.findall(r"^\tE\((\d+), (\w+),", IANA.read_text(encoding="utf-8"), re.M)}
    rows = [line.split("\t") for line in run("tshark", "-G", "values").stdout.splitlines()
            if line.startswith("V\tcflow.template_ipfix_field_type\t")]
    theirs = {int(row[2]): row[3] for row in rows}
    # up to 97, and where its name is in capitals, tshark has the names of NetFlow version 9
    compared = [i for i in ours if 98 <= i and i in theirs and re.match(r"[a-z]+[A-Z]?[a-z]", theirs[i])]
    assert len(compared) > 300
    assert {i: ours[i] for i in compared if i not in TSHARK_OWN_NAMES} == \
        {i: theirs[i] for i in compared if i not in TSHARK_OWN_NAMES}


def test_decoder_tells_what_is_wrong(tmp_path):
    good = tmp_path / "good.ipfix"
    assert run(SAMPLE, "compat", good, "10").returncode == 0
    octets = good.read_bytes()
    (tmp_path / "cut.ipfix").write_bytes(octets[:-3])
    done = run(DECODER, "--stats", tmp_path / "cut.ipfix")
    assert done.returncode == 1
    assert done.stderr == f"millrace-ipfix: {tmp_path}/cut.ipfix: ends inside a message\n"
    (tmp_path / "text.txt").write_text("no flows here")
    done = run(DECODER, tmp_path / "text.txt")
    assert done.returncode == 1
    assert "isn't 10: not an IPFIX message" in done.stderr
    assert run(DECODER, tmp_path / "missing").returncode == 1
    for wrong in ([], ["a", "b"], ["--nonsense", "a"], ["--count=0", "a"]):
        done = run(DECODER, *wrong)
        assert (done.returncode, done.stdout) == (2, "")
        assert len(done.stderr.splitlines()) <= 2
    assert run(DECODER, "--help").returncode == 0


def test_decoder_prints_templates_stats_and_stops(tmp_path):
    path = tmp_path / "full.ipfix"
    assert run(SAMPLE, "full", path, "100").returncode == 0
    lines = [json.loads(line) for line in run(DECODER, "-t", "-s", "-q", path).stdout.splitlines()]
    templates = [line for line in lines if "template" in line]
    assert sorted(t["template"] for t in templates) == [*range(264, 272), 320, 321, 322, 323, 324, 325, 327, 328]
    assert templates[4]["fields"][4] == {"name": "reverseIpClassOfService", "enterprise": 29305, "id": 5, "length": 1}
    stats = lines[-1]["stats"]
    assert stats["sequence_gaps"] == stats["faulty_messages"] == stats["skipped_sets"] == 0
    assert stats["records"] - stats["options_records"] == 100
    assert len(run(DECODER, "--count", "5", path).stdout.splitlines()) == 5
    assert run("sh", "-c", f"{DECODER} - < {path} | wc -l").stdout.strip() == str(stats["records"])


def messages_of(path):
    octets, off = path.read_bytes(), 0
    while off < len(octets):
        length = int.from_bytes(octets[off + 2:off + 4], "big")
        yield octets[off:off + length]
        off += length


def listen(kind, port, out):
    return subprocess.Popen([DECODER, f"{kind}://127.0.0.1:{port}"], stdout=out.open("w"), stderr=subprocess.PIPE)


@pytest.mark.parametrize("kind", ["udp", "tcp"])
def test_decoder_collects(tmp_path, kind):
    path, out = tmp_path / "sample.ipfix", tmp_path / "out.jsonl"
    assert run(SAMPLE, "full", path, "200").returncode == 0
    want = run(DECODER, path).stdout
    port = free_port(socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM)
    collector = listen(kind, port, out)
    try:
        with socket.socket(type=socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM) as s:
            if kind == "tcp":
                wait_until(lambda: s.connect_ex(("127.0.0.1", port)) == 0, what="the collector")
                for i in range(0, path.stat().st_size, 777):  # whatever the borders of messages
                    s.sendall(path.read_bytes()[i:i + 777])
            else:
                wait_until(lambda: udp_port_is_open(port, collector.pid), what="the collector")
                s.connect(("127.0.0.1", port))
                for message in messages_of(path):
                    s.send(message)
            wait_until(lambda: out.read_text() == want, what="all records")
    finally:
        collector.send_signal(signal.SIGTERM)
        stderr = collector.communicate(timeout=20)[1]
    assert (collector.returncode, stderr) == (0, b"")
