# SPDX-License-Identifier: Apache-2.0
"""Same captures, same records: the number of workers changes nothing but the order."""
import pytest

import millrace

millrace.require_binary()

FOLDERS = ("arkime", "chrissanders-packets", "ipfixprobe", "ndpi", "tcpdump", "tcpreplay")
WORKERS = (2, 4, 8)


def read_all(captures, folder, workers):
    run = millrace.read(captures, folder, workers=workers, timeout_s=600)
    assert run.exit_status == 0, run.stderr
    assert run.account["closes"], run.account
    lines = (run.folder / "flows.jsonl").read_text(encoding="utf-8").splitlines()
    return sorted(lines), run.account


@pytest.mark.parametrize("name", FOLDERS)
def test_records_do_not_depend_on_workers(name, tmp_path):
    millrace.shared("captures", name)
    captures = millrace.captures(name)
    lines, account = read_all(captures, tmp_path / "1", 1)
    assert lines and account["metered"] > 0
    for workers in WORKERS:
        other_lines, other_account = read_all(captures, tmp_path / str(workers), workers)
        assert other_account == account
        only_one, only_other = sorted(set(lines) - set(other_lines)), sorted(set(other_lines) - set(lines))
        assert other_lines == lines, (
            f"{workers} workers: {len(only_other)} records differ; first: {only_one[:1]} / {only_other[:1]}")
