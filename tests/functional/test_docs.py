# SPDX-License-Identifier: Apache-2.0
"""
Every command in README.md and docs/ works: each ```sh block runs, unless its fence says ```sh needs=REASON; then
only its syntax is checked. A block runs in a copy of the source tree made of links, so what it writes goes away.
"""
import os
import re
import subprocess

import pytest

from millrace import BUILD, SHARED, SOURCE

LIMIT_S = 300
_FENCE = re.compile(r"^```sh(?:[ \t]+(.*?))?[ \t]*\n(.*?)^```[ \t]*$", re.MULTILINE | re.DOTALL)


def blocks_of(text):
    """[(line of the fence, info behind `sh`, commands)]"""
    return [(text.count("\n", 0, m.start()) + 1, m.group(1) or "", m.group(2)) for m in _FENCE.finditer(text)]


def all_blocks():
    found = []
    for path in [SOURCE / "README.md", *sorted((SOURCE / "docs").rglob("*.md"))]:
        for line, info, commands in blocks_of(path.read_text(encoding="utf-8")):
            found.append(pytest.param(info, commands, id=f"{path.relative_to(SOURCE)}:{line}"))
    return found


@pytest.mark.parametrize("info, commands", all_blocks())
def test_block(tmp_path, info, commands):
    assert info == "" or re.fullmatch(r"needs=\S+", info), f"a fence is ```sh or ```sh needs=REASON, not {info!r}"
    syntax = subprocess.run(["bash", "-n"], input=commands, capture_output=True, text=True, timeout=60, check=False)
    assert syntax.returncode == 0, syntax.stderr
    if info:
        return
    for entry in SOURCE.iterdir():
        if not entry.name.startswith("build") and entry.name not in (".git", "out"):
            (tmp_path / entry.name).symlink_to(entry)
    (tmp_path / "build").symlink_to(BUILD)
    environment = {**os.environ, "MILLRACE_SHARED": str(SHARED)}
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", commands], cwd=tmp_path, capture_output=True, text=True,
                          timeout=LIMIT_S, check=False, env=environment, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, f"exit status {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"


def test_blocks_are_found():
    text = "a\n```sh\none\n```\n\n```sh needs=nic\ntwo\nthree\n```\n```\nno\n```\n```shell\nno\n```\n"
    assert blocks_of(text) == [(2, "", "one\n"), (6, "needs=nic", "two\nthree\n")]


def test_readme_shows_its_two_commands():
    blocks = "".join(commands for _, _, commands in blocks_of((SOURCE / "README.md").read_text(encoding="utf-8")))
    assert "./tools/demo" in blocks and "./tools/test" in blocks
