# SPDX-License-Identifier: Apache-2.0
"""Rows tls-valid, tls-expired, tls-wrong-ca: the program against TLS collectors with certificates made here."""
import json
import ssl
import subprocess

import pytest

import millrace
from peer import Peer, decoded
from records import expected, generate, of_elements

millrace.require_binary()


def openssl(folder, *words, stdin=None):
    subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True, timeout=60, input=stdin)


def authority(folder, name):
    openssl(folder, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
            "-keyout", f"{name}.key", "-out", f"{name}.pem", "-subj", f"/CN={name}")


def certificate(folder, name, ca, alt_name, days=2):
    """NAME.pem and NAME.key; with days=-1 it ended yesterday."""
    openssl(folder, "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{name}.key",
            "-out", f"{name}.csr", "-subj", f"/CN={name}")
    (folder / f"{name}.ext").write_text(f"subjectAltName={alt_name}\n", encoding="ascii")
    openssl(folder, "x509", "-req", "-in", f"{name}.csr", "-CA", f"{ca}.pem", "-CAkey", f"{ca}.key", "-CAcreateserial",
            "-days", str(days), "-extfile", f"{name}.ext", "-out", f"{name}.pem")


@pytest.fixture(scope="module")
def pki(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pki")
    for name in ("ca", "other-ca"):
        authority(folder, name)
    certificate(folder, "right", "ca", "IP:127.0.0.1")
    certificate(folder, "expired", "ca", "IP:127.0.0.1", days=-1)
    certificate(folder, "foreign", "other-ca", "IP:127.0.0.1")
    certificate(folder, "elsewhere", "ca", "DNS:elsewhere.test")
    certificate(folder, "probe", "ca", "DNS:probe.test")
    return folder


@pytest.fixture(scope="module")
def capture(tmp_path_factory):
    return generate(tmp_path_factory.mktemp("capture"), "packets=2k", "flows=100", "rate=1k", "tcp=50", "ipv6=30")


def server(pki, name, clients=False):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki / f"{name}.pem", pki / f"{name}.key")
    if clients:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(pki / "ca.pem")
    return context


def configuration(folder, port, **tls):
    """JSON is YAML, too."""
    path = folder / "tls.yaml"
    collector = {"name": "c1", "host": "127.0.0.1", "port": port, "transport": "tls", "profile": "biflow",
                 "tls": {key: str(value) for key, value in tls.items()}}
    path.write_text(json.dumps({"ports": [{"device": "lo"}], "export": {"collectors": [collector]}}), encoding="utf-8")
    return path


def read(capture, tmp_path, context, **tls):
    with Peer(context) as peer:
        run = millrace.read(capture[0], tmp_path / "out", "-c", configuration(tmp_path, peer.port, **tls))
    return run, peer


def assert_delivered(run, peer, expectations):
    assert run.exit_status == 0, run.stderr
    records, _, stats = decoded(bytes(peer.octets[0]))
    assert stats["sequence_gaps"] == 0
    assert sorted(of_elements(r) for r in records if "flowEndReason" in r) == expected(expectations["flows"], "biflow")


def assert_refused(run, peer, reason):
    """Nothing was carried, every flow is counted, the log says why."""
    assert not any(peer.octets) and peer.errors
    collector = run.stats["collectors"][0]
    assert (collector["name"], collector["records"]) == ("c1", 0)
    assert collector["not_sent_flows"] == len(run.records())
    told = f"collector=c1 not connected, 127.0.0.1:{peer.port}: its certificate is refused: "
    assert told in run.stderr and reason in run.stderr, run.stderr


def test_tls_valid(pki, capture, tmp_path):
    run, peer = read(capture, tmp_path, server(pki, "right"), ca=pki / "ca.pem")
    assert_delivered(run, peer, capture[1])


def test_tls_valid_with_client_certificate(pki, capture, tmp_path):
    run, peer = read(capture, tmp_path, server(pki, "right", clients=True), ca=pki / "ca.pem",
                     certificate=pki / "probe.pem", key=pki / "probe.key")
    assert_delivered(run, peer, capture[1])


def test_tls_valid_by_server_name(pki, capture, tmp_path):
    run, peer = read(capture, tmp_path, server(pki, "elsewhere"), ca=pki / "ca.pem", server_name="elsewhere.test")
    assert_delivered(run, peer, capture[1])


def test_tls_expired(pki, capture, tmp_path):
    assert_refused(*read(capture, tmp_path, server(pki, "expired"), ca=pki / "ca.pem"), "certificate has expired")


def test_tls_wrong_ca(pki, capture, tmp_path):
    assert_refused(*read(capture, tmp_path, server(pki, "foreign"), ca=pki / "ca.pem"), "issuer certificate")


def test_tls_wrong_name(pki, capture, tmp_path):
    assert_refused(*read(capture, tmp_path, server(pki, "elsewhere"), ca=pki / "ca.pem"), "mismatch")


def test_tls_without_client_certificate(pki, capture, tmp_path):
    """
    By TLS 1.2, where the handshake itself fails. By 1.3 the refusal comes after it, and what was acknowledged by the
    collector's TCP until then counts as sent (lib/ipfix/mr_ipfix_transport.h).
    """
    context = server(pki, "right", clients=True)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    run, peer = read(capture, tmp_path, context, ca=pki / "ca.pem")
    assert any("did not return a certificate" in error for error in peer.errors)
    assert not any(peer.octets)
    collector = run.stats["collectors"][0]
    assert collector["not_sent_flows"] == len(run.records()) and collector["records"] == 0


# ---- what a user is told ----

def test_missing_authority_is_told_in_words_of_the_configuration(capture, tmp_path):
    run = millrace.read(capture[0], tmp_path / "out", "-c", configuration(tmp_path, 4740))
    assert run.exit_status == 1
    assert run.stderr == ("millrace read: collector c1: no tls.ca; give the PEM file of the CA that signed the "
                          "collector's certificate\n")


def test_option_for_tls_says_what_it_needs(capture, tmp_path):
    run = millrace.read(capture[0], tmp_path / "out", "-e", "tls://127.0.0.1")
    assert run.exit_status == 2
    assert len(run.stderr.splitlines()) == 1
    for key in ("-c", "export.collectors", "transport: tls", "tls.ca", "tls.certificate", "tls.key"):
        assert key in run.stderr
