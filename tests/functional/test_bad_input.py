# SPDX-License-Identifier: Apache-2.0
"""Bad input gets exit status 1, one line that says what is wrong and what to do, and leaves nothing half-written."""
import json
import os
import shutil
import subprocess

import pytest

import millrace
from millrace import BINARY
from probe import generate

millrace.require_binary()

NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
NOT_FAULTS = ("notice ", "warning: ", "libxdp: ")  # lines on standard error that aren't the error


@pytest.fixture(name="capture", scope="module")
def fixture_capture(tmp_path_factory):
    return generate(tmp_path_factory.mktemp("bad") / "good.pcap", "packets=20k", "flows=20k")


def millrace_run(*words, prefix=(), cwd=None):
    return subprocess.run([*map(str, prefix), str(BINARY), *map(str, words)], capture_output=True, text=True,
                          timeout=60, stdin=subprocess.DEVNULL, check=False, cwd=cwd)


def assert_refused(done, *texts):
    """Status 1 and a single line of error that holds the texts."""
    faults = [line for line in done.stderr.splitlines() if not line.startswith(NOT_FAULTS)]
    assert done.returncode == 1, (done.returncode, done.stderr)
    assert len(faults) == 1, done.stderr
    assert all(text in faults[0] for text in texts), faults[0]


def run_config(folder, ports, prefix=(), **sections):
    config = {"memory": {"hugepages": "off"}, "cores": {"worker_count": 1}, "ports": ports,
              "export": {"jsonl": str(folder / "flows.jsonl")}, **sections}
    path = folder / "millrace.yaml"
    path.write_text(json.dumps(config), encoding="utf-8")
    return millrace_run("run", "-c", path, prefix=prefix)


def assert_nothing_left(folder):
    assert [p.name for p in folder.rglob("*") if p.name != "millrace.yaml"] == []


NULL = [{"device": "net_null0"}]


@pytest.mark.parametrize("ports, texts", [
    ([{"device": "nosuch0"}], ("port port0", "no interface 'nosuch0'", "`ip link`")),
    ([{"device": "af_xdp:nosuch0"}], ("no interface 'nosuch0'", "`ip link`")),
    ([{"device": "0000:ff:1f.7"}], ("no PCI device 0000:ff:1f.7", "dpdk-devbind.py")),
    (NULL + NULL, ("net_null0", "ports[0]", "opened once")),
    ([{"device": "net_nosuchdriver0"}], ("net_nosuchdriver0",)),
    ([{"device": "replay:/nosuch.pcap"}], ("/nosuch.pcap", "No such file")),
], ids=["interface", "af_xdp", "pci", "twice", "driver", "capture"])
def test_ports_that_cannot_be_opened(tmp_path, ports, texts):
    assert_refused(run_config(tmp_path, ports), *texts)
    assert_nothing_left(tmp_path)


@pytest.mark.parametrize("collector, texts", [
    ({"host": "no.such.host.invalid"}, ("no.such.host.invalid", "can't be resolved")),
    ({"host": "127.0.0.1", "transport": "tls", "tls": {"ca": "/dev/null"}}, ("/dev/null", "PEM file")),
    ({"host": "127.0.0.1", "transport": "tls", "tls": {"ca": "/nosuch.pem"}}, ("/nosuch.pem",)),
], ids=["name", "certificate", "no-certificate"])
def test_collectors_that_cannot_be_used(tmp_path, collector, texts):
    done = run_config(tmp_path, NULL, export={"jsonl": str(tmp_path / "flows.jsonl"), "collectors": [collector]})
    assert_refused(done, *texts)
    assert_nothing_left(tmp_path)


def test_hugepages_required_but_none(tmp_path):
    with open("/proc/meminfo", encoding="ascii") as lines:
        free = next(int(line.split()[1]) for line in lines if line.startswith("HugePages_Free"))
    if free:
        pytest.skip(f"this machine has {free} free hugepages")
    assert_refused(run_config(tmp_path, NULL, memory={"hugepages": "required"}), "memory.hugepages", "tools/setup")


def test_too_little_memory_for_the_flows(tmp_path):
    if millrace.is_sanitized():
        pytest.skip("sanitizers need terabytes of address space, so it can't be limited")
    prefix = ["prlimit", "--as=1000000000"]
    assert_refused(run_config(tmp_path, NULL, prefix, flow={"max_flows": "100M"}), "flow.max_flows")
    assert_nothing_left(tmp_path)


def test_more_flows_than_memory(tmp_path):
    assert_refused(run_config(tmp_path, NULL, flow={"max_flows": "1G"}, memory={"hugepages": "off"}),
                   "flow.max_flows", "MiB are free")
    assert_nothing_left(tmp_path)


def test_run_without_rights_says_which(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("only root can become nobody")
    for parent in [tmp_path, *tmp_path.parents][:3]:
        parent.chmod(0o755)
    out = tmp_path / "out"
    out.mkdir()
    out.chmod(0o777)
    done = run_config(tmp_path, [{"device": "af_xdp:lo"}], NOBODY, export={"jsonl": str(out / "flows.jsonl")})
    assert_refused(done, "run as root", "CAP_NET_RAW")


def test_bad_yaml_names_file_and_line(tmp_path):
    path = tmp_path / "bad.yaml"
    path.write_text("ports:\n  - device: [a\n", encoding="utf-8")
    assert_refused(millrace_run("run", "-c", path), f"{path}:")
    assert_refused(millrace_run("run", "-c", tmp_path / "none.yaml"), "none.yaml", "No such file")


@pytest.mark.parametrize("words, text", [
    (("run",), "-c FILE"), (("run", "a.yaml"), "-c FILE"), (("run", "-c"), "option '--config' needs a value"),
    (("run", "--config"), "option '--config' needs a value"), (("run", "-x"), "unknown option '-x'"),
    (("run", "-vx"), "unknown option '-x'"), (("run", "--help=x"), "option '--help' takes no value"),
    (("read",), "capture files"), (("read", "-w", "0", "x.pcap"), "--workers '0'"),
    (("read", "x.pcap", "--wrong"), "unknown option '--wrong'"), (("read", "--set"), "option '--set' needs a value"),
    (("check",), "-c FILE"), (("check", "-d"), "unknown option '-d'"), (("check", "--wrong=1"), "unknown option '--wrong=1'"),
    (("bench", "-x"), "unknown option '-x'"), (("bench", "--flows"), "option '--flows' needs a value"),
    (("nosuch",), "no command 'nosuch'"), ((), "which command"),
], ids=lambda value: " ".join(value) if isinstance(value, tuple) else "")
def test_wrong_usage_is_status_2_and_one_line(words, text):
    done = millrace_run(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1 and text in done.stderr, done.stderr
    if words and text.startswith(("option", "unknown")):
        assert done.stderr.startswith(f"millrace {words[0]}: ")
        assert done.stderr.endswith(f"; see `millrace {words[0]} --help`\n")


def test_captures_that_cannot_be_read(tmp_path, capture):
    empty, cut, text = tmp_path / "empty.pcap", tmp_path / "cut.pcap", tmp_path / "text.pcap"
    empty.write_bytes(b"")
    cut.write_bytes(capture.read_bytes()[:1000])
    text.write_text("no capture at all, only text that is longer than a header", encoding="utf-8")
    assert_refused(millrace_run("read", tmp_path / "none.pcap"), "none.pcap", "No such file")
    assert_refused(millrace_run("read", empty), "empty.pcap", "empty file")
    assert_refused(millrace_run("read", tmp_path), "a directory", "name the captures")
    assert_refused(millrace_run("read", text), "text.pcap")
    assert_refused(millrace_run("read", cut), "cut.pcap", "cut at octet", "packets before it were read")


def test_unknown_link_type_is_counted_by_name(tmp_path, capture):
    data = bytearray(capture.read_bytes())
    data[20:24] = (147).to_bytes(4, "little")  # LINKTYPE_USER0
    path = tmp_path / "user0.pcap"
    path.write_bytes(data)
    run = millrace.read(path, tmp_path / "out")
    assert run.exit_status == 0, run.stderr
    assert run.account["closes"]
    assert run.counter("link_unsupported") == run.account["received"] == 20000


def test_read_without_rights(tmp_path, capture):
    if os.geteuid() != 0:
        pytest.skip("only root can become nobody")
    for parent in [tmp_path, *tmp_path.parents][:3]:
        parent.chmod(0o755)
    mine = tmp_path / "mine.pcap"
    shutil.copy(capture, mine)
    mine.chmod(0o600)
    assert_refused(millrace_run("read", mine, prefix=NOBODY), "mine.pcap", "Permission denied")
    mine.chmod(0o644)
    assert_refused(millrace_run("read", mine, "-o", tmp_path / "out", prefix=NOBODY), "out", "Permission denied")
    assert not (tmp_path / "out").exists()


def test_a_full_disk_leaves_nothing_half_written(tmp_path, capture):
    disk = tmp_path / "disk"
    disk.mkdir()
    unshare = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--mount"]
    script = 'mount -t tmpfs -o size=256k tmpfs "$1" || exit 77; "$2" read -q "$3" -o "$1/out"; rc=$?; ls "$1/out"; exit $rc'
    done = subprocess.run([*unshare, "sh", "-c", script, "sh", disk, BINARY, capture], capture_output=True, text=True,
                          timeout=60, check=False)
    if done.returncode == 77:
        pytest.skip(f"no tmpfs here: {done.stderr.strip()}")
    assert done.returncode == 1
    assert "No space left on device" in done.stderr
    # of flows.ipfix the whole messages that found room stay, which is a valid file
    assert set(done.stdout.split()) <= {"flows.ipfix", "stats.json"}
