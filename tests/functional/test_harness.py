# SPDX-License-Identifier: Apache-2.0
"""The harness itself: parsers of expectations, tshark as an oracle, flows, namespaces, processes."""
import struct
import sys

import pytest

import doctable
import expectations
import millrace
import tshark
from flows import Flow, conversations, counts_name, differences, one_way
from processes import Background, udp_port_is_open

ARKIME = """{"sessions3": [
 {"body": {"ipProtocol": 17, "source": {"ip": "10.0.0.1", "port": 53, "packets": 2, "bytes": 200},
           "destination": {"ip": "10.0.0.2", "port": 1024, "packets": 1, "bytes": 90},
           "network": {"vlan": {"id": [7], "id-cnt": 1}}}},
 {"body": {"ipProtocol": 0, "source": {"packets": 1, "bytes": 60}, "destination": {"packets": 0, "bytes": 0}}}]}"""

IPFIXPROBE = """192.0.2.2,192.0.2.1,56,284,1,2,53,32795,17
ipaddr DST_IP,ipaddr SRC_IP,uint64 BYTES,uint64 BYTES_REV,uint32 PACKETS,uint32 PACKETS_REV,uint16 DST_PORT,\
uint16 SRC_PORT,uint8 PROTOCOL
2001:db8::2,2001:db8::1,80,0,1,0,136,128,58
"""

NDPI = (
    "Guessed flow protos:\t0\n"
    "\t1\tTCP 10.0.0.1:4000 <-> 10.0.0.2:80 [VLAN: 9][proto: 7/HTTP][cat: Web/5][3 pkts/300 bytes <-> 2 pkts/250 bytes]"
    "[0.1 sec]\n"
    "\t2\tICMPV6 [fe80::1]:0 -> [ff02::0:2]:0 [proto: 102/ICMPV6][1 pkts/70 bytes -> 0 pkts/0 bytes][< 1 sec]\n"
    "\t3\t85 10.0.0.3:0 -> 10.0.0.4:0 [proto: 0/Unknown][1 pkts/192 bytes -> 0 pkts/0 bytes][< 1 sec]\n")


def write(tmp_path, text):
    path = tmp_path / "file"
    path.write_text(text, encoding="utf-8")
    return path


def test_arkime_sample(tmp_path):
    assert expectations.arkime(write(tmp_path, ARKIME)) == [
        Flow(17, "10.0.0.1", 53, "10.0.0.2", 1024, (2, 1), (200, 90), "captured", 7)]


def test_ipfixprobe_sample(tmp_path):
    assert expectations.ipfixprobe(write(tmp_path, IPFIXPROBE)) == [
        Flow(17, "192.0.2.1", 32795, "192.0.2.2", 53, (1, 2), (56, 284), "ip"),
        Flow(58, "2001:db8::1", 0, "2001:db8::2", 0, (1, 0), (80, 0), "ip")]


def test_ndpi_sample(tmp_path):
    assert expectations.ndpi(write(tmp_path, NDPI)) == [
        Flow(6, "10.0.0.1", 4000, "10.0.0.2", 80, (3, 2), (300, 250), "frame", 9),
        Flow(58, "fe80::1", 0, "ff02::2", 0, (1, 0), (70, 0), "frame"),
        Flow(85, "10.0.0.3", 0, "10.0.0.4", 0, (1, 0), (192, 0), "frame")]


def test_conversations_add_up_splits_and_directions():
    parts = [Flow.make(proto=6, src="10.0.0.2", sport=80, dst="10.0.0.1", dport=9, packets=(2, 1), octets=(20, 10),
                       bytes_are="ip"),
             Flow.make(proto=6, src="10.0.0.1", sport=9, dst="10.0.0.2", dport=80, packets=(5, 0), octets=(50, 0),
                       bytes_are="ip", vlan=4)]
    key = (6, ("10.0.0.1", 9), ("10.0.0.2", 80))
    assert conversations(parts) == {key: ((6, 60), (2, 20))}
    assert one_way(parts)[(6, "10.0.0.1", 9, "10.0.0.2", 80)] == [6, 60]
    assert differences(parts, parts) == []
    assert differences(parts, parts[:1]) == [(key, ((6, 60), (2, 20)), ((1, 10), (2, 20)))]
    assert counts_name(((6, 60), (2, 20))) == "6/60 2/20" and counts_name(None) == "none"


def test_conversation_with_itself_counts_both_directions_once():
    own = [Flow.make(proto=17, src="::1", sport=5, dst="::1", dport=5, packets=(3, 0), octets=(30, 0), bytes_are="ip")]
    assert conversations(own) == {(17, ("::1", 5), ("::1", 5)): ((3, 30), (0, 0))}


def test_doc_table_rows(tmp_path):
    text = "a\n\n| x | y |\n|---|---|\n| 1 | 2 |\n\n| f | n |\n|:---|---|\n| `a.pcap` | 1/2 |\n| b | - |\n\n| c | 3 |\n"
    path = write(tmp_path, text)
    assert doctable.rows_of_file(path, "f", "n") == [{"f": "a.pcap", "n": "1/2"}, {"f": "b", "n": "-"}]
    with pytest.raises(ValueError, match="no table"):
        doctable.rows_of_file(path, "f", "m")
    with pytest.raises(ValueError, match="2 cells"):
        doctable.rows_of_file(write(tmp_path, "| f | n |\n|---|---|\n| a |\n"), "f", "n")


# ---- tshark -------------------------------------------------------------------------------------------------


def ipv4(proto, payload, src="10.0.0.1", dst="10.0.0.2", fragment=0):
    pack = bytes(map(int, src.split("."))), bytes(map(int, dst.split(".")))
    return struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 1, fragment, 64, proto, 0, *pack) + payload


def ipv6(next_header, payload):
    return struct.pack("!IHBB", 0x60000000, len(payload), next_header, 64) + bytes(15) + b"\1" + bytes(15) + b"\2" + payload


def udp(payload, sport=1000, dport=2000):
    return struct.pack("!HHHH", sport, dport, 8 + len(payload), 0) + payload


def write_pcap(path, packets, link=101):
    records = b"".join(struct.pack("<IIII", 0, i, len(p), len(p)) + p for i, p in enumerate(packets))
    path.write_bytes(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, link) + records)
    return path


def test_arkime_has_one_session_for_all_pim():
    flows = [Flow.make(proto=proto, src=f"10.0.0.{i}", sport=0, dst="224.0.0.13", dport=0, packets=(i, 0),
                       octets=(10 * i, 0), bytes_are="frame") for proto in (89, 103) for i in (1, 2)]
    assert conversations(expectations.arkime_sessions(flows)) == {
        (89, ("10.0.0.1", 0), ("224.0.0.13", 0)): ((1, 10), (0, 0)),
        (89, ("10.0.0.2", 0), ("224.0.0.13", 0)): ((2, 20), (0, 0)),
        (103, ("any", 0), ("any", 0)): ((3, 30), (0, 0))}


def test_tshark_counts_outermost_headers(tmp_path):
    quoted = ipv4(17, udp(b""), src="192.0.2.1", dst="192.0.2.2")
    inner = ipv6(17, udp(b"x"))
    packets = [
        ipv4(17, udp(b"abc")),  # 31 octets
        ipv4(1, struct.pack("!BBHI", 3, 3, 0, 0) + quoted),  # an error: the quoted header must not count; 56
        ipv4(41, inner),  # a tunnel: the outer header counts; 69
        ipv4(17, b"\0" * 8, fragment=1),  # a later fragment has no ports; 28
        ipv6(0, bytes([60, 0, 1, 4, 0, 0, 0, 0]) + bytes([17, 0, 1, 4, 0, 0, 0, 0]) + udp(b"")),  # 64
        b"\x45\0",  # the header is cut
    ]
    totals = tshark.totals((write_pcap(tmp_path / "a.pcap", packets),))[tmp_path / "a.pcap"]
    assert (totals.packets, totals.octets, totals.fragments) == (5, 31 + 56 + 69 + 28 + 64, 1)
    assert dict(totals.pairs) == {
        (17, "10.0.0.1", "10.0.0.2"): [2, 59], (1, "10.0.0.1", "10.0.0.2"): [1, 56],
        (41, "10.0.0.1", "10.0.0.2"): [1, 69], (17, "::1", "::2"): [1, 64]}
    assert dict(totals.tuples) == {
        (17, "10.0.0.1", 1000, "10.0.0.2", 2000): [1, 31], (17, "::1", 1000, "::2", 2000): [1, 64]}


def test_tshark_keeps_captures_apart(tmp_path):
    one = write_pcap(tmp_path / "1.pcap", [ipv4(17, udp(b""))])
    none = write_pcap(tmp_path / "2.pcap", [])
    two = write_pcap(tmp_path / "3.pcap", [ipv4(17, udp(b"", sport=1 + i)) for i in range(2)])
    unknown = write_pcap(tmp_path / "4.pcap", [b"x"], link=60000)
    totals = tshark.totals((one, none, two, unknown))
    assert [totals[p].packets for p in (one, none, two)] == [1, 0, 2]
    assert unknown not in totals


# ---- parsers and tshark against each other, on all shared expectations ---------------------------------------


def test_whole_ipfixprobe_outputs_add_up_to_what_tshark_sees():
    outputs = [millrace.shared("captures", "ipfixprobe", "outputs", name) for name in expectations.IPFIXPROBE_WHOLE]
    totals = tshark.totals(tuple(sorted({expectations.ipfixprobe_input(o) for o in outputs})))
    for output in outputs:
        flows, seen = expectations.ipfixprobe(output), totals[expectations.ipfixprobe_input(output)]
        assert (sum(sum(f.packets) for f in flows), sum(sum(f.octets) for f in flows)) == (seen.packets, seen.octets)
        ways = one_way(flows)
        assert {k: ways.get(k) for k in seen.tuples} == dict(seen.tuples), output.name


@pytest.mark.parametrize("folder, suffix, parse, least", [("arkime", ".test", expectations.arkime, 72),
                                                          ("ndpi", ".out", expectations.ndpi, 150)])
def test_parsed_packets_are_what_tshark_sees(folder, suffix, parse, least):
    """Not in all captures: both tools open tunnels and have their own idea of broken packets."""
    files = sorted(millrace.shared("captures", folder).glob("*" + suffix))
    capture_of = {f: f.with_suffix("" if suffix == ".out" else ".pcap") for f in files}
    totals = tshark.totals(tuple(capture_of.values()))
    same = 0
    for file, capture in capture_of.items():
        pairs = {}
        for (proto, src, _, dst, _), (packets, _) in one_way(parse(file)).items():
            pairs[proto, src, dst] = pairs.get((proto, src, dst), 0) + packets
        same += pairs == {key: packets for key, (packets, _) in totals[capture].pairs.items()}
    assert same >= least, f"{same} of {len(files)}"


# ---- the program's output -------------------------------------------------------------------------------------


def test_record_becomes_flow():
    record = {"sourceIPv6Address": "2001:db8::1", "destinationIPv6Address": "2001:db8::2", "protocolIdentifier": 6,
              "sourceTransportPort": 1, "destinationTransportPort": 2, "packetDeltaCount": 3, "octetDeltaCount": 300,
              "reversePacketDeltaCount": 4, "reverseOctetDeltaCount": 400, "layer2OctetDeltaCount": 342,
              "reverseLayer2OctetDeltaCount": 456, "vlanId": 5}
    assert millrace.flow_of_record(record, "frame") == Flow(6, "2001:db8::1", 1, "2001:db8::2", 2, (3, 4), (342, 456),
                                                            "frame", 5)
    assert millrace.flow_of_record(record).octets == (300, 400)
    with pytest.raises(KeyError):
        millrace.flow_of_record({"protocolIdentifier": 6})


# ---- processes and namespaces -----------------------------------------------------------------------------------


def test_table_rows_are_all_lines_but_the_rule(tmp_path, monkeypatch):
    monkeypatch.setattr(doctable, "SOURCE", tmp_path)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "page.md").write_text(
        "| x |\n|---|\n| 1 |\n\n| a | b |\n|:---|---|\n| `plain` | 2 |\n| - | 1:2 |\n\n| after | it |\n",
        encoding="utf-8")
    assert doctable.rows("page.md", "a", "b") == [{"a": "plain", "b": "2"}, {"a": "-", "b": "1:2"}]


def test_background_reports_a_command_that_dies(tmp_path):
    with pytest.raises(RuntimeError, match="ended with 3: why"):
        with Background(["sh", "-c", "echo why; exit 3"], tmp_path / "log", ready=lambda: False):
            pass


def test_background_ends_children_too(tmp_path):
    with Background(["sh", "-c", "sleep 600 & echo $!; wait"], tmp_path / "log",
                    ready=lambda: (tmp_path / "log").read_text()) as process:
        child = int(process.output())
    with pytest.raises(ProcessLookupError):
        wait_for_end(child)


def wait_for_end(pid):
    """Raises ProcessLookupError when the process has ended (a zombie nobody reaps counts)."""
    from processes import wait_until

    def ended():
        try:
            with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
                return stat.read().rsplit(")", 1)[1].split()[0] == "Z"
        except FileNotFoundError:
            return True

    wait_until(ended, 5, "end of the child")
    raise ProcessLookupError(pid)


SEND = "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'hello', ('10.9.0.2', 9))"


def test_namespace_carries_packets_over_a_veth_pair(netns, tmp_path):
    netns.veth("v0", "v1")
    netns.run("ip", "addr", "add", "10.9.0.1/24", "dev", "v0")
    netns.run("ip", "neigh", "add", "10.9.0.2", "lladdr", "02:00:00:00:00:02", "dev", "v0")
    seen = tmp_path / "seen.pcap"
    log = tmp_path / "tcpdump.log"
    with Background(netns.command("tcpdump", "-i", "v1", "-U", "-c", "1", "-w", seen), log,
                    ready=lambda: b"listening" in log.read_bytes()) as tcpdump:
        netns.run(sys.executable, "-c", SEND)
        assert tcpdump.process.wait(10) == 0
    assert dict(tshark.totals((seen,))[seen].pairs) == {(17, "10.9.0.1", "10.9.0.2"): [1, 33]}


def test_port_check_sees_only_its_namespace(netns):
    assert not udp_port_is_open(1, netns.pid)
