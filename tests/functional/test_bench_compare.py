# SPDX-License-Identifier: Apache-2.0
"""tools/bench-compare tells a change from noise. Its builds are mostly made-up ones that print what a test wants."""
import importlib.machinery
import importlib.util
import json
import os
import shutil
import subprocess
import sys

import pytest

from millrace import BUILD, SOURCE, require_binary

TOOL = SOURCE / "tools" / "bench-compare"


def load():
    loader = importlib.machinery.SourceFileLoader("bench_compare", str(TOOL))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    sys.dont_write_bytecode, before = True, sys.dont_write_bytecode
    try:
        loader.exec_module(module)
    finally:
        sys.dont_write_bytecode = before
    return module


def tool(*arguments, path=None):
    environment = {**os.environ, **({"PATH": f"{path}:{os.environ['PATH']}"} if path else {})}
    return subprocess.run([sys.executable, TOOL, *map(str, arguments)], capture_output=True, text=True, timeout=300,
                          check=False, stdin=subprocess.DEVNULL, env=environment)


FAKE = """#!/usr/bin/env python3
import json, pathlib, sys
calls = pathlib.Path(__file__).with_name("calls")
old = calls.read_text().splitlines() if calls.exists() else []
calls.write_text("\\n".join([*old, " ".join(sys.argv[1:])]))
values = {values}
print(json.dumps({{"rows": [{{"flows": flows, "size": 64, "ns_per_packet": v[len(old) % len(v)], "mpps": 1}}
                           for flows, v in values.items()]}}))
"""


def fake_build(folder, **values):
    """A build whose bench prints a row a keyword (f1000=[...]), of each its values in turn."""
    (folder / "app").mkdir(parents=True)
    program = folder / "app" / "millrace"
    program.write_text(FAKE.format(values={int(k[1:]): v for k, v in values.items()}), encoding="utf-8")
    program.chmod(0o755)
    return folder


def calls(build):
    return (build / "app" / "calls").read_text(encoding="utf-8").splitlines()


@pytest.fixture(name="builds")
def builds_fixture(tmp_path):
    steady, spread = [20.0, 20.1, 20.2, 20.3, 20.4, 20.5], [30.0, 20.0, 25.0, 31.0, 22.0, 28.0]
    return (fake_build(tmp_path / "old", f1000=steady, f2000=steady, f3000=spread, f4000=steady),
            fake_build(tmp_path / "new", f1000=[v * 1.1 for v in steady], f2000=[v * 0.9 for v in steady],
                       f3000=[v * 1.05 for v in spread], f4000=[v + 0.01 for v in steady]))


@pytest.mark.parametrize("a, b, p", [
    ([1, 2, 3], [4, 5, 6], 2 / 20), ([4, 5, 6], [1, 2, 3], 2 / 20), ([1, 2, 3, 4], [5, 6, 7, 8], 2 / 70),
    ([1, 2, 3, 5], [4, 6, 7, 8], 4 / 70),  # U = 1; one of 70 has U = 0, one U = 1, and twice for both sides
    ([1, 1, 1], [1, 1, 1], 1), ([1, 4], [2, 3], 1)])
def test_mann_whitney_is_exact(a, b, p):
    assert load().mann_whitney(a, b) == pytest.approx(p)


def test_correction_for_many_rows():
    module = load()
    assert module.holm([0.04]) == [True]
    assert module.holm([0.04, 0.03]) == [False, False]
    assert module.holm([0.04, 0.01, 0.2]) == [False, True, False]
    assert module.holm([0.02, 0.016, 0.01]) == [True, True, True]
    assert [module.rounds_needed(n) for n in (1, 2, 7, 20)] == [4, 5, 6, 6]


def test_rows_are_judged(builds):
    done = tool(*builds, "--json", "--", "--packets", "5")
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)["rows"]
    assert [(r["row"], r["verdict"]) for r in rows] == [
        ("flows=1000 size=64", "worse"), ("flows=2000 size=64", "better"), ("flows=3000 size=64", "noise"),
        ("flows=4000 size=64", "noise")]
    assert rows[0]["change_percent"] == pytest.approx(10)
    assert rows[0]["old_range"] == [20.0, 20.5] and rows[0]["old"] == pytest.approx(20.25)
    for build in builds:
        assert calls(build) == ["bench --json --repeat 1 --packets 5"] * 6


def test_worse_is_a_failure_only_when_asked(builds):
    assert tool(*builds).returncode == 0
    assert tool(*builds, "--fail-on-worse").returncode == 1
    assert tool(builds[0], builds[0], "--fail-on-worse").returncode == 0


def test_too_few_rounds_are_told_and_never_judged(builds):
    done = tool(*builds, "--rounds", "3", "--json")
    assert {r["verdict"] for r in json.loads(done.stdout)["rows"]} == {"noise"}
    assert "3 rounds cannot tell 4 rows from noise; use --rounds 5 or more" in done.stderr


def test_what_cannot_be_compared_says_why(builds, tmp_path):
    for arguments, words in (((builds[0], "no-such-thing"), "neither a build folder"),
                             ((*builds, "--metric", "nonsense"), "no 'nonsense' in the row flows=1000"),
                             ((builds[0],), "NEW"), ((*builds, "--no-bench"), "nothing to do")):
        done = tool(*arguments)
        assert done.returncode == 2 and words in done.stderr and "Traceback" not in done.stderr
    broken = fake_build(tmp_path / "broken", f1000=[1.0])
    (broken / "app" / "millrace").write_text("#!/bin/sh\necho out of order >&2; exit 3\n", encoding="ascii")
    done = tool(builds[0], broken)
    assert done.returncode == 2 and "exit status 3: out of order" in done.stderr


def test_rows_of_one_side_only_are_left_out(builds, tmp_path):
    other = fake_build(tmp_path / "other", f1000=[20.0], f9=[1.0])
    done = tool(builds[0], other, "--rounds", "1", "--json")
    assert [r["row"] for r in json.loads(done.stdout)["rows"]] == ["flows=1000 size=64"]
    assert "left out, not in every run of both: flows=9 size=64" in done.stderr
    done = tool(builds[0], fake_build(tmp_path / "none", f9=[1.0]), "--rounds", "1")
    assert done.returncode == 2 and "no row is in every run of both" in done.stderr


def test_older_builds_do_not_name_the_usual_kind():
    label_of = load().label_of
    assert label_of({"kind": "steady", "device": None, "flows": 1, "mpps": 2}) == label_of({"flows": 1}) == "flows=1"
    assert label_of({"kind": "flood", "flows": 1}) == "kind=flood flows=1"


def worktrees():
    return subprocess.run(["git", "-C", SOURCE, "worktree", "list"], capture_output=True, text=True, check=True).stdout


def test_a_revision_is_built_with_the_options_of_the_other_side(builds, tmp_path):
    """meson and ninja are fakes here: they note how they are called, and the new program is a copy."""
    if not (SOURCE / ".git").exists():
        pytest.skip("not a git work tree")
    path = tmp_path / "bin"
    path.mkdir()
    options = json.dumps([{"name": "buildtype", "value": "release"}, {"name": "c_args", "value": ["-O2", "-g"]},
                          {"name": "c_link_args", "value": []}, {"name": "debug", "value": True}])
    for name, text in (("meson", f"[ $1 = introspect ] && echo '{options}' || echo \"$@\" >> {path}/log"),
                       ("ninja", f'mkdir -p "$2/app" && cp {builds[0]}/app/millrace "$2/app/"')):
        (path / name).write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
        (path / name).chmod(0o755)
    before = worktrees()
    done = tool("HEAD", builds[0], "--rounds", "1", "--json", path=path)
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)["rows"]) == 4
    setup = (path / "log").read_text(encoding="utf-8").split()
    assert setup[0] == "setup" and setup[3:] == ["-Dbuildtype=release", "-Ddebug=true", "-Dc_args=-O2,-g", "-Dtests=false"]
    assert worktrees() == before


def test_real_build_with_itself():
    require_binary()
    done = tool(BUILD, BUILD, "--rounds", "1", "--", "--quick")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("noise") >= 3


def test_instructions_of_a_build_with_itself_are_the_same():
    require_binary()
    if not shutil.which("valgrind"):
        pytest.skip("no valgrind, tools/setup installs it")
    done = tool(BUILD, BUILD, "--instructions", "--no-bench", "--json")
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)["rows"]
    assert [r["verdict"] for r in rows] == ["noise", "noise"]
    assert all(r["old"] > 50 for r in rows)
