# SPDX-License-Identifier: Apache-2.0
"""tools/setup judges the system rightly. Nothing is installed here: what it asks is answered by fakes."""
import os
import subprocess

import pytest

from millrace import SOURCE

SETUP = SOURCE / "tools" / "setup"


def setup(*options, path=None):
    environment = dict(os.environ)
    if path is not None:
        environment["PATH"] = f"{path}:{environment['PATH']}"
    return subprocess.run([SETUP, *options], capture_output=True, text=True, timeout=120, check=False,
                          env=environment, stdin=subprocess.DEVNULL)


def packages(*options):
    return setup("--list", *options).stdout.split()


def fake(folder, name, text):
    path = folder / name
    path.write_text("#!/bin/sh\n" + text, encoding="ascii")
    path.chmod(0o755)


def fake_dpkg_query(folder, installed, dpdk="22.11.7-1~deb12u1"):
    """Says that these packages are installed, in the two forms that tools/setup asks for."""
    rows = "".join(f"echo 'ii {name}'\n" for name in installed)
    fake(folder, "dpkg-query", f"case \"$*\" in *Status*) {rows} ;; *) printf {dpdk} ;; esac\n")


def test_the_list_names_each_package_once():
    names = packages()
    assert len(names) == len(set(names)) and {"libdpdk-dev", "meson", "nfdump", "tshark"} <= set(names)
    assert set(packages("--build-only")) < set(names)


def test_nothing_missing_asks_apt_nothing(tmp_path):
    fake_dpkg_query(tmp_path, packages())
    for name in ("apt-get", "apt-cache", "sudo"):
        fake(tmp_path, name, f"echo {name} was called >&2; exit 1\n")
    for options in ((), ("--check",)):
        done = setup(*options, path=tmp_path)
        assert (done.returncode, done.stderr.strip()) == (0, "all packages are installed")


def test_check_names_what_is_missing(tmp_path):
    fake_dpkg_query(tmp_path, [name for name in packages() if name not in ("meson", "nfdump")])
    done = setup("--check", path=tmp_path)
    assert (done.returncode, done.stdout) == (1, "missing: meson nfdump\n")
    done = setup("--check", "--build-only", path=tmp_path)
    assert (done.returncode, done.stdout) == (1, "missing: meson\n")


def test_a_package_that_is_only_half_there_is_missing(tmp_path):
    fake_dpkg_query(tmp_path, [name for name in packages() if name != "jq"])
    text = (tmp_path / "dpkg-query").read_text(encoding="ascii")
    (tmp_path / "dpkg-query").write_text(text.replace("echo 'ii", "echo 'rc jq'\necho 'ii", 1), encoding="ascii")
    assert setup("--check", path=tmp_path).stdout == "missing: jq\n"


def test_another_dpdk_is_refused(tmp_path):
    fake_dpkg_query(tmp_path, packages(), dpdk="24.11.1-1")
    done = setup(path=tmp_path)
    assert done.returncode == 1
    assert done.stderr == ("setup: DPDK here is 24.11.1-1 and Millrace needs 22.11: "
                           "use Debian 12 (bookworm), a container of it will do\n")


def test_another_system_is_refused(tmp_path):
    release = tmp_path / "os-release"
    release.write_text('ID=fedora\nVERSION_ID=40\nPRETTY_NAME="Fedora 40"\n', encoding="ascii")
    unshare = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--mount"]
    inside = f"mount --bind {release} /etc/os-release && echo mounted && exec {SETUP}"
    done = subprocess.run([*unshare, "sh", "-c", inside], capture_output=True, text=True, timeout=60, check=False)
    if done.stdout != "mounted\n":
        pytest.skip(f"no mount namespace: {done.stderr.strip()}")
    assert done.returncode == 2
    assert done.stderr.startswith("setup: Fedora 40 isn't supported: use Debian 12")


@pytest.mark.parametrize("options, rc, text", [
    (["--frob"], 2, "setup: unknown argument '--frob'; see tools/setup --help\n"),
    (["--hugepages"], 1, "setup: --hugepages needs a number of MB, for example --hugepages 1024\n"),
    (["--hugepages", "2G"], 1, "setup: --hugepages needs a number of MB, for example --hugepages 1024\n"),
])
def test_wrong_arguments_get_one_clear_line(options, rc, text):
    done = setup(*options)
    assert (done.returncode, done.stderr) == (rc, text)


@pytest.mark.parametrize("tool", ["setup", "test", "fuzz", "check"])
def test_help_has_usage_and_no_colour(tool):
    done = subprocess.run([SOURCE / "tools" / tool, "--help"], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0 and f"Usage: tools/{tool}" in done.stdout and "\x1b" not in done.stdout
