# SPDX-License-Identifier: Apache-2.0
"""tools/check finds what it is there to find, and nothing in a clean tree."""
import os
import subprocess

import pytest

from millrace import SOURCE

LICENCE = "SPDX-License-Identifier: Apache-2.0"
C_HEAD = f"/* {LICENCE} */\n"
SH_HEAD = f"#!/usr/bin/env bash\n# {LICENCE}\n"


def check(root, *options):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    return subprocess.run([SOURCE / "tools" / "check", "--root", root, *options], capture_output=True, text=True,
                          timeout=120, check=False, env=environment)


def tree(root, files):
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


CLEAN = {
    "lib/base/mr_a.c": C_HEAD + "#include <stdio.h>\n\nint mr_a(char *b)\n{\n\treturn snprintf(b, 2, \"a\");\n}\n",
    "tools/run": SH_HEAD + "set -euo pipefail\necho \"$1\"\n",
    "README.md": "Run `./tools/run`.\n",
}

# what is put into the clean tree -> where the finding must be
BAD = {
    "banned call": ("lib/base/mr_b.c", C_HEAD + "x = strcpy(a, b);\n", 2),
    "banned call after a blank": ("app/b.c", C_HEAD + "\n\tn = atoi (s);\n", 3),
    "dpdk atomics": ("drivers/b.c", C_HEAD + "rte_atomic32_inc(&n);\n", 2),
    "exit in lib": ("lib/flow/b.c", C_HEAD + "exit(1);\n", 2),
    "rte_panic in drivers": ("drivers/x/b.c", C_HEAD + "rte_panic(\"no\");\n", 2),
    "dpdk where there is none": ("lib/ipfix/b.h", C_HEAD + "#include <rte_mbuf.h>\n", 2),
    "no licence line in C": ("lib/base/b.h", "#pragma once\n", 1),
    "no licence line in Python": ("tests/b.py", "import os\n", 1),
    "path of a machine": ("docs/b.md", "See\n/ho" + "me/me/notes.\n", 2),
    "unfinished": ("app/b.c", C_HEAD + "/* TO" + "DO: more */\n", 2),
    "shellcheck": ("tools/bad", SH_HEAD + "set -euo pipefail\nrm $1\n", 4),
    "spelling": ("docs/c.md", "One\ntwo\nthre" + "shhold and recie" + "ve\n", 3),
    "tool that isn't there": ("docs/d.md", "\nRun tools/nowhere now.\n", 2),
}


def test_clean_tree_has_no_finding(tmp_path):
    tree(tmp_path, CLEAN)
    (tmp_path / "tools" / "run").chmod(0o755)
    done = check(tmp_path)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


@pytest.mark.parametrize("file, text, line", BAD.values(), ids=BAD)
def test_bad_file_is_found_with_its_line(tmp_path, file, text, line):
    tree(tmp_path, {**CLEAN, file: text})
    (tmp_path / "tools" / "run").chmod(0o755)
    done = check(tmp_path)
    assert done.returncode == 1
    findings = [row for row in done.stdout.splitlines() if row.startswith(f"{file}:")]
    assert findings and all(row.startswith(f"{file}:{line}:") for row in findings), done.stdout
    assert len(findings) == len(done.stdout.splitlines())


@pytest.mark.parametrize("line", ["\tfgets(b, 2, f);", "\tn = rte_rand();", "\tmr_exit(1);", "\trte_atomic_thread_fence(1);"])
def test_names_that_only_look_like_banned_ones_pass(tmp_path, line):
    tree(tmp_path, {**CLEAN, "lib/flow/b.c": C_HEAD + line + "\n"})
    (tmp_path / "tools" / "run").chmod(0o755)
    assert check(tmp_path).returncode == 0


def git(root, *words):
    subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@example.org", *words], cwd=root, check=True,
                   capture_output=True)


def test_fast_looks_only_at_changed_files(tmp_path):
    tree(tmp_path, {**CLEAN, "app/old.c": C_HEAD + "gets(b);\n"})
    (tmp_path / "tools" / "run").chmod(0o755)
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-q", "-m", "all")
    assert check(tmp_path, "--fast").returncode == 0
    tree(tmp_path, {"app/new.c": C_HEAD + "gets(b);\n"})
    done = check(tmp_path, "--fast")
    assert (done.returncode, [row.split(":")[0] for row in done.stdout.splitlines()]) == (1, ["app/new.c"])
    assert {row.split(":")[0] for row in check(tmp_path).stdout.splitlines()} == {"app/new.c", "app/old.c"}


def test_format_file_that_clang_format_cannot_read_is_a_finding(tmp_path):
    tree(tmp_path, {**CLEAN, ".clang-format": "NoSuchKey: 1\n"})
    (tmp_path / "tools" / "run").chmod(0o755)
    assert check(tmp_path).returncode == 1
