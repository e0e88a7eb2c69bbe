# SPDX-License-Identifier: Apache-2.0
"""A collector of our own on TCP or TLS: takes octets, counts messages and records, can end a connection at will."""
import json
import socket
import ssl
import struct
import subprocess
import threading

from millrace import BUILD

DECODER = BUILD / "tools" / "ipfix" / "millrace-ipfix"


def messages(octets):
    """Whole IPFIX messages at the head of the octets."""
    at = 0
    while len(octets) - at >= 16:
        length = int.from_bytes(octets[at + 2:at + 4], "big")
        if length < 16 or len(octets) - at < length:
            return
        yield octets[at:at + length]
        at += length


def header(message):
    """(version, length, Export Time, sequence, observation domain)"""
    return struct.unpack(">HHIII", message[:16])


def sets(message):
    """[(set id, content)]"""
    at, found = 16, []
    while at < len(message):
        number, length = struct.unpack(">HH", message[at:at + 4])
        found.append((number, message[at + 4:at + length]))
        at += length
    return found


def decoded(octets):
    """(records, templates, stats) by millrace-ipfix, which must find no fault."""
    done = subprocess.run([DECODER, "-t", "-s", "-"], input=octets, capture_output=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, b""), done.stderr.decode()
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    templates = [line for line in lines if "template" in line]
    return [line for line in lines[:-1] if "template" not in line], templates, lines[-1]["stats"]


class Peer:
    """Listens on 127.0.0.1. octets[i] is what connection i carried; errors has failed TLS handshakes."""

    def __init__(self, context=None, port=0):
        self._context = context
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind(("127.0.0.1", port))
        self._listener.listen()
        self._listener.settimeout(0.1)
        self.port = self._listener.getsockname()[1]
        self.octets, self.errors = [], []
        self._stopping, self._hang_up = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        """End connection and listener; what comes later is refused."""
        self._stopping.set()
        self._thread.join()
        self._listener.close()

    def hang_up(self):
        """End the connection at hand; the next one is taken."""
        self._hang_up.set()

    def _serve(self):
        while not self._stopping.is_set():
            try:
                connection = self._listener.accept()[0]
            except TimeoutError:
                continue
            with connection:
                self._take(connection)

    def _take(self, connection):
        connection.settimeout(5)
        try:
            if self._context is not None:
                connection = self._context.wrap_socket(connection, server_side=True)
            connection.settimeout(0.1)
            self.octets.append(bytearray())
            self._read(connection)
        except OSError as error:  # of TLS too
            self.errors.append(str(error))
        finally:
            connection.close()

    def _read(self, connection):
        while not self._stopping.is_set() and not self._hang_up.is_set():
            try:
                octets = connection.recv(1 << 20)
            except TimeoutError:
                continue
            if not octets:
                return
            self.octets[-1] += octets
        self._hang_up.clear()
