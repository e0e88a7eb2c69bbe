# SPDX-License-Identifier: Apache-2.0
"""tools/bench-peers runs what is there, says what is not, and believes no meter that missed packets. No speed is judged."""
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from millrace import BUILD, SOURCE, require_binary

require_binary()

OURS = ["millrace", "millrace, exported"]
TINY = ("--packets", "2k", "--flows", "100", "--rounds", "1", "--json")


def tool(*options, path=None):
    environment = {**os.environ, **({"PATH": path} if path else {})}
    return subprocess.run([sys.executable, SOURCE / "tools" / "bench-peers", "--build", BUILD, *options],
                          capture_output=True, text=True, timeout=300, check=False, stdin=subprocess.DEVNULL,
                          env=environment)


def leftovers():
    return set(Path(tempfile.gettempdir()).glob("millrace-peers-*"))


def fake_nfpcapd(folder, text):
    (folder / "nfpcapd").write_text(f"#!/bin/sh\n{text}\n", encoding="ascii")
    (folder / "nfpcapd").chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


def test_every_peer_that_is_there_sees_every_packet():
    os.environ["PATH"] += ":/usr/sbin"
    there = [name for name in ("nfpcapd", "softflowd", "pmacctd") if shutil.which(name)]
    if not there:
        pytest.skip("none of nfpcapd, softflowd, pmacctd is here, tools/setup installs them")
    before = leftovers()
    done = tool(*TINY)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert [row["meter"] for row in result["rows"]] == OURS + there
    for row in result["rows"]:
        assert row["saw_all"] and row["packets_seen"] == [2000], row
        assert row["memory_kb"] > 1000 and row["wall_s"] > 0 and row["cpu_s_min"] <= row["cpu_s"] <= row["cpu_s_max"]
    assert result["rows"][0]["cpu_to_millrace"] == 1
    assert leftovers() <= before


def test_a_missing_peer_is_named(tmp_path):
    done = tool(*TINY[:-1], "--peers", "nfpcapd", path=str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "skipped: no nfpcapd here, tools/setup installs it" in done.stdout


@pytest.mark.parametrize("text, words", [("echo 'Processed: 7, skipped: 0'", "only 7"), ("echo why; exit 3", "exit status 3: why"),
                                         ("sleep 600", "took longer than --limit"), ("echo hello", "not told")])
def test_a_peer_that_goes_wrong_is_named(tmp_path, text, words):
    done = tool(*TINY[:-1], "--peers", "nfpcapd", "--limit", "3", path=fake_nfpcapd(tmp_path, text))
    assert words in done.stdout and "Traceback" not in done.stderr
    assert done.returncode == (0 if words == "not told" else 1)


def test_time_of_orphans_counts(tmp_path):
    """pmacctd's plugins outlive the process that is started."""
    burn = "import time\nwhile time.process_time() < 0.5: pass"
    done = tool(*TINY, "--peers", "nfpcapd", path=fake_nfpcapd(tmp_path, f"{sys.executable} -c '{burn}' & exit 0"))
    assert json.loads(done.stdout)["rows"][-1]["cpu_s"] > 0.4


def test_wrong_use():
    for options in (("--peers", "tcpdump"), ("--packets", "many"), ("--build", "/nonexistent")):
        done = tool(*options)
        assert done.returncode == 2 and "Traceback" not in done.stderr
