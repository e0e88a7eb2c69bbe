# SPDX-License-Identifier: Apache-2.0
"""
How messages are made and travel: rows connect, set-padding, many-records, many-templates, withdrawal, sequence,
stress, large-template, many-exporters, many-collectors, disconnect and restarts of the conformance suite (README.md).
"""
import json
import signal
import socket
import subprocess

import pytest

import millrace
from collectors import Nfacctd, Nfcapd, Sniffer, ipfix_dump
from peer import Peer, decoded, header, messages, sets
from processes import Background, free_port, wait_until
from records import expected, generate, of_elements

millrace.require_binary()

PROFILES = ("compat", "biflow", "full")
# profile -> (data templates, of which the records are this long)
RECORD_OCTETS = {256: 58, 257: 82, 258: 56, 259: 80, 260: 92, 261: 116, 262: 90, 263: 114}
LIVE = "synth:flows=200,new=100,rate=2k,pace=yes,tcp=50,ipv6=30,icmp=10"


def collector(port, transport="udp", **keys):
    return {"host": "127.0.0.1", "port": port, "transport": transport, **keys}


class Probe(Background):
    """`millrace run` on paced traffic with short timeouts, so that flows end all the time."""

    def __init__(self, folder, *collectors, device=LIVE, name="probe", **export):
        conf = folder / f"{name}.yaml"
        conf.write_text(json.dumps({  # which is YAML, too
            "probe": {"observation_domain": 7}, "cores": {"worker_count": 1}, "memory": {"hugepages": "off"},
            "ports": [{"name": "lab", "device": device}],
            "flow": {"max_flows": "64k", "idle_timeout": "300ms", "active_timeout": "1s",
                     "tcp_linger": "100ms"},
            "export": {"collectors": list(collectors), **export}}), encoding="utf-8")
        self.stats_file = folder / f"{name}-stats.json"
        super().__init__([millrace.BINARY, "run", "-c", conf, "-s", self.stats_file], folder / f"{name}.log",
                         stop_signal=signal.SIGTERM, ready=lambda: "metering 1 port" in self.output())

    def finish(self):
        """Stop; what it says of its collectors."""
        assert self.stop(20) == 0, self.output()
        return json.loads(self.stats_file.read_text(encoding="utf-8"))["collectors"]


def data_records(octets):
    return [r for r in decoded(octets)[0] if "flowEndReason" in r]


def assert_good(octets):
    """Right sequence numbers and nothing skipped; returns the statistics."""
    stats = decoded(octets)[2]
    assert (stats["sequence_gaps"], stats["skipped_sets"], stats["faulty_messages"], stats["withdrawals"]) == (0, 0, 0, 0)
    return stats


# ---- connect ----

def one_flow(tmp_path):
    return generate(tmp_path, "packets=1", "flows=1", "rate=1")


def test_connect_udp(tmp_path, nfcapd, nfacctd):
    capture, _ = one_flow(tmp_path)
    with Sniffer(tmp_path, nfcapd.port) as sniffer:
        run = millrace.read(capture, tmp_path / "out", "-e", f"udp://127.0.0.1:{nfcapd.port}", "-e",
                            f"udp://127.0.0.1:{nfacctd.port}")
        sniffer.wait_for(run.stats["collectors"][0]["messages"])
    assert run.exit_status == 0, run.stderr
    first = sniffer.payloads()[0]
    assert (header(first)[0], header(first)[3], sets(first)[0][0]) == (10, 0, 2)
    assert sniffer.remarks() == ""
    assert len(nfacctd.wait_for_flows(1)) == 1
    nfcapd.stop()
    assert len(nfcapd.flows()) == 1 and nfcapd.log_counts()[1] == 0


def test_connect_tcp(tmp_path):
    capture, expectations = one_flow(tmp_path)
    with Peer() as peer:
        run = millrace.read(capture, tmp_path / "out", "-e", f"tcp://127.0.0.1:{peer.port}")
    assert run.exit_status == 0, run.stderr
    octets = bytes(peer.octets[0])
    first = next(messages(octets))
    assert (header(first)[0], header(first)[3], sets(first)[0][0]) == (10, 0, 2)
    assert_good(octets)
    assert sorted(map(of_elements, data_records(octets))) == expected(expectations["flows"], "compat")


# ---- messages ----

@pytest.mark.parametrize("mtu", [512, 1420])
@pytest.mark.parametrize("profile", PROFILES)
def test_many_records(tmp_path, nfcapd, nfacctd, profile, mtu):
    """As many as fit, none beyond the MTU. With 512: large-template, which has to fit, too."""
    capture, expectations = generate(tmp_path, "packets=1k", "flows=200", "rate=1k", "tcp=40", "icmp=20", "ipv6=40")
    conf = tmp_path / "conf.yaml"
    both = [collector(port, profile=profile, mtu=mtu) for port in (nfcapd.port, nfacctd.port)]
    conf.write_text(json.dumps({"ports": [{"device": "lo"}], "export": {"collectors": both}}), encoding="utf-8")
    want = len(expected(expectations["flows"], profile))
    with Sniffer(tmp_path, nfcapd.port) as sniffer:
        run = millrace.read(capture, tmp_path / "out", "-c", conf)
        sniffer.wait_for(run.stats["collectors"][0]["messages"])
    lengths = [header(payload)[1] for payload in sniffer.payloads()]
    assert lengths == [len(payload) for payload in sniffer.payloads()]
    assert mtu - 250 < max(lengths) <= mtu
    assert sniffer.remarks() == ""
    assert len([1 for _, fields in sniffer.records() if "cflow.packets" in fields]) == want
    nfacctd.wait_for_flows(want)
    nfcapd.stop()
    assert (len(nfcapd.flows()), nfcapd.log_counts()[1]) == (want, 0)
    assert len(nfacctd.flows()) == want


@pytest.mark.parametrize("profile", ["compat", "biflow"])
def test_set_padding(tmp_path, profile):
    """Records of 4k and 4k + 2 octets: what stands behind them is zero and shorter than a record."""
    capture, expectations = generate(tmp_path, "packets=2k", "flows=201", "rate=1k", "tcp=40", "icmp=20", "ipv6=40")
    path = tmp_path / "flows.ipfix"
    subprocess.run([millrace.BINARY, "read", "-q", capture, "--set", f"export.file={path}", "--set",
                    f"export.file_profile={profile}"], check=True, capture_output=True, timeout=60)
    padded, records = 0, 0
    for message in messages(path.read_bytes()):
        for number, content in sets(message):
            if number not in RECORD_OCTETS:
                continue
            records += len(content) // RECORD_OCTETS[number]
            rest = len(content) % RECORD_OCTETS[number]
            padded += rest > 0
            assert rest < 4 and not any(content[len(content) - rest:])
    want = len(expected(expectations["flows"], profile))
    assert records == want and padded > 0
    options = len(decoded(path.read_bytes())[0]) - len(data_records(path.read_bytes()))
    dump = ipfix_dump(path)
    assert (dump.data_records, dump.warnings) == (want + options, "")


@pytest.mark.parametrize("profile, templates", [("compat", 4), ("biflow", 8), ("full", 8)])
def test_many_templates(tmp_path, profile, templates):
    """Over TCP one message holds them all, data and options; those of details follow when they are needed."""
    capture, _ = one_flow(tmp_path)
    plain = ("--set", "inspect.tcp=false", "--set", "inspect.applications=false", "--set", "inspect.tunnels=outer")
    with Peer() as peer:
        millrace.read(capture, tmp_path / "out", "-p", profile, "-e", f"tcp://127.0.0.1:{peer.port}", *plain)
    first = next(messages(bytes(peer.octets[0])))
    _, found, _ = decoded(first)
    options = 8 if profile == "full" else 4
    assert [t["scopes"] > 0 for t in found] == [False] * templates + [True] * options


# ---- sequence, options between flows, withdrawal, refresh ----

def test_sequence(tmp_path, nfcapd):
    """Flows and statistics mixed, templates repeated each second: no gap for those who count options data."""
    with Sniffer(tmp_path, nfcapd.port) as sniffer, \
            Probe(tmp_path, collector(nfcapd.port, template_refresh="1s"), stats_interval="1s") as probe:
        # the beginning of template 256 with its field count: three times means two refreshes
        wait_until(lambda: sniffer.path.read_bytes().count(b"\x01\x00\x00\x0f\x00\x08\x00\x04") > 2, 30, "refreshes")
        sent, = probe.finish()
        sniffer.wait_for(sent["messages"])
    assert sniffer.remarks() == ""
    octets = b"".join(sniffer.payloads())
    stats = assert_good(octets)
    assert stats["records"] - stats["options_records"] == sent["records"]
    first_options = [i for i, m in enumerate(sniffer.payloads()) if sets(m)[0][0] == 2]
    assert len(first_options) >= 2  # withdrawal: repeated, never withdrawn (assert_good)
    nfcapd.stop()
    assert len(nfcapd.flows()) == sent["records"]
    gaps, bad = nfcapd.log_counts()
    bursts = sum(1 for m in sniffer.payloads() if any(number in range(320, 330) for number, _ in sets(m)))
    # nfcapd leaves options data out of its count: a false gap for each burst of them
    assert bad == 0 and gaps <= bursts


def test_refresh_expiry(tmp_path):
    """A collector that comes later has its flows after one refresh."""
    port = free_port()
    with Probe(tmp_path, collector(port, template_refresh="1s", profile="biflow")) as probe:
        wait_until(lambda: "Connection refused" in probe.output(), what="the probe sending to nobody")
        with Nfcapd(tmp_path, port) as nfcapd:
            wait_until(lambda: "New ipfix exporter" in nfcapd.log, what="the exporter at nfcapd")
            wait_until(lambda: "Add new sampler" in nfcapd.log, 5, "templates, and options data after them")
            sent, = probe.finish()
            assert sent["send_errors"] > 0
            nfcapd.stop()
            assert len(nfcapd.flows()) > 100


def test_restart_collector(tmp_path):
    """TCP: flows at once after the collector is back, templates and sequence number 0 first."""
    with Peer() as peer:
        with Probe(tmp_path, collector(peer.port, "tcp")) as probe:
            wait_until(lambda: peer.octets and len(peer.octets[0]) > 20000, what="flows")
            peer.stop()
            with Peer(port=peer.port) as again:
                wait_until(lambda: again.octets and len(again.octets[0]) > 20000, what="flows again")
                sent, = probe.finish()
                wait_until(lambda: decoded(bytes(again.octets[0]))[2]["records"] > 0, what="the rest")
    octets = bytes(again.octets[0])
    first = next(messages(octets))
    assert (header(first)[3], sets(first)[0][0]) == (0, 2)
    assert_good(octets)
    assert sent["reconnects"] == 1


def test_disconnect(tmp_path):
    """The connection ends: flows resume on the next one, and options 323 tell how many are missing."""
    with Peer() as peer:
        with Probe(tmp_path, collector(peer.port, "tcp"), stats_interval="1s") as probe:
            wait_until(lambda: peer.octets and len(peer.octets[0]) > 20000, what="flows")
            peer.hang_up()
            wait_until(lambda: len(peer.octets) == 2 and len(peer.octets[1]) > 20000, what="flows again")
            sent, = probe.finish()
    first, second = (bytes(octets) for octets in peer.octets)
    stats = assert_good(second)
    arrived = len(data_records(second)) + len([r for r in decoded(whole(first))[0] if "flowEndReason" in r])
    assert arrived <= sent["records"] <= arrived + 200 and stats["records"] > 0
    told = [int(r["notSentFlowTotalCount"]) for r in decoded(second)[0] if "notSentFlowTotalCount" in r]
    assert told and told[-1] == sent["not_sent_flows"]


def whole(octets):
    """Without the message that a broken connection cut."""
    return b"".join(messages(octets))


def test_restart_exporter(tmp_path, nfcapd):
    """Killed and started again: the same domain, sequence from 0, templates first."""
    with Sniffer(tmp_path, nfcapd.port) as sniffer:
        with Probe(tmp_path, collector(nfcapd.port), name="first") as probe:
            wait_until(lambda: sniffer.path.stat().st_size > 30000, what="flows")
            probe.process.kill()
            probe.process.wait()
        with Probe(tmp_path, collector(nfcapd.port), name="second") as probe:
            size = sniffer.path.stat().st_size
            wait_until(lambda: sniffer.path.stat().st_size > size + 30000, what="flows again")
            sent, = probe.finish()
        wait_until(lambda: sniffer.path.stat().st_size > 0, what="the capture")
        sniffer.wait_for(sent["messages"] + 1)
    starts = [m for m in sniffer.payloads() if header(m)[3] == 0 and sets(m)[0][0] == 2]
    assert len(starts) >= 2 and {header(m)[4] for m in sniffer.payloads()} == {7}
    nfcapd.stop()
    assert len(nfcapd.flows()) >= sent["records"] and nfcapd.log_counts()[1] == 0


# ---- many ----

def test_many_exporters(tmp_path, nfcapd):
    """8 domains at once at one collector, each with a sequence of its own."""
    capture, expectations = generate(tmp_path, "packets=1k", "flows=100", "rate=1k", "tcp=50", "ipv6=30")
    commands = [[millrace.BINARY, "read", "-q", capture, "-e", f"udp://127.0.0.1:{nfcapd.port}", "--set",
                 f"probe.observation_domain={domain}"] for domain in range(1, 9)]
    with Sniffer(tmp_path, nfcapd.port) as sniffer:
        running = [subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) for command in commands]
        assert [process.communicate(timeout=60)[1] for process in running] == [b""] * 8
        sniffer.wait_for(8 * 12)
    by_domain = {}
    for payload in sniffer.payloads():
        by_domain.setdefault(header(payload)[4], []).append(payload)
    assert sniffer.remarks() == ""
    want = len(expected(expectations["flows"], "compat"))
    assert {domain: len(data_records(b"".join(m))) for domain, m in by_domain.items()} == dict.fromkeys(range(1, 9), want)
    for octets in by_domain.values():
        assert_good(b"".join(octets))
    nfcapd.stop()
    assert len(nfcapd.flows()) == 8 * want
    gaps, bad = nfcapd.log_counts()
    assert bad == 0 and gaps <= 8  # one burst of statistics each


def test_many_collectors(tmp_path, nfcapd, nfacctd):
    """Two are there, one is dead over UDP and one over TCP: nobody waits for those."""
    capture, expectations = generate(tmp_path, "packets=2k", "flows=300", "rate=1k", "tcp=50", "ipv6=30")
    dead = [f"udp://127.0.0.1:{free_port()}", f"tcp://127.0.0.1:{free_port(socket.SOCK_STREAM)}"]
    alive = [f"udp://127.0.0.1:{c.port}" for c in (nfcapd, nfacctd)]
    options = [word for url in dead + alive for word in ("-e", url)]
    run = millrace.read(capture, tmp_path / "out", *options)
    want = len(expected(expectations["flows"], "compat"))
    assert run.exit_status == 0
    rows = {row["name"]: row for row in run.stats["collectors"]}
    assert [rows[url]["records"] for url in alive] == [want, want]
    assert rows[dead[1]]["records"] == 0 and rows[dead[1]]["not_sent_flows"] == len(run.records())
    nfacctd.wait_for_flows(want)
    nfcapd.stop()
    assert len(nfcapd.flows()) == want


# ---- stress ----

def test_stress_one_template(tmp_path):
    """A million records of one template over TCP: what arrives and what is told as not sent is what was sent."""
    with Peer() as peer:
        with Probe(tmp_path, collector(peer.port, "tcp", send_buffer="256MiB"),
                   device="synth:flows=2M,reply=0,order=roundrobin,rate=500k") as probe:
            wait_until(lambda: peer.octets and len(peer.octets[0]) > 58 * 1000000, 90, "a million records")
            sent, = probe.finish()
    counted = 0
    for message in messages(bytes(peer.octets[0])):
        counted += sum(len(content) // 58 for number, content in sets(message) if number == 256)
    assert counted == sent["records"] >= 990000 and sent["flows"] + sent["not_sent_flows"] >= counted


def test_stress_rate(tmp_path):
    """A collector that reads nothing: what it has, and what its kernel dropped, is what was sent."""
    capture, _ = generate(tmp_path, "packets=40k", "flows=20k", "rate=10k", "order=roundrobin")
    with socket.socket(type=socket.SOCK_DGRAM) as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.bind(("127.0.0.1", 0))
        slow.setblocking(False)
        port = slow.getsockname()[1]
        run = millrace.read(capture, tmp_path / "out", "-e", f"udp://127.0.0.1:{port}")
        with open("/proc/self/net/udp", encoding="ascii") as table:
            dropped, = [int(line.split()[-1]) for line in table if line.split()[1].endswith(f":{port:04X}")]
        received = 0
        while True:
            try:
                slow.recv(65536)
            except BlockingIOError:
                break
            received += 1
    sent = run.stats["collectors"][0]
    assert dropped > 0
    assert received + dropped == sent["messages"] and sent["not_sent_flows"] == 0
