"""HTTPS before an app, as the proxy of a Space: a certificate of its own, and bytes passed on."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from http.server import ThreadingHTTPServer
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingTCPServer

import pytest

BEHIND_THE_PROXY = {"ignore_https_errors": True, "extra_http_headers": {"x-forwarded-proto": "https"}}
"""A browser context that trusts the certificate and sends the header that a proxy adds."""


class Proxy(BaseRequestHandler):
    """HTTPS without, HTTP within."""

    def __init__(self, context: ssl.SSLContext, port: int, *arguments) -> None:
        self.context, self.port = context, port
        super().__init__(*arguments)

    def handle(self) -> None:
        with (
            suppress(OSError),
            socket.create_connection(("127.0.0.1", self.port)) as inside,
            self.context.wrap_socket(self.request, server_side=True) as outside,
        ):
            threading.Thread(target=pass_on, args=(inside, outside), daemon=True).start()
            pass_on(outside, inside)


def pass_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


@contextmanager
def secured(folder: Path, port: int) -> Iterator[int]:
    """The port on 127.0.0.1 at which the app on another port is reached over HTTPS."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl is installed, which makes the certificate")
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"]
    subprocess.run([*made, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with ThreadingTCPServer(("127.0.0.1", 0), partial(Proxy, context, port)) as server:
        server.daemon_threads = True
        yield from _served(server)


@contextmanager
def serving(handler: Callable) -> Iterator[int]:
    """The port of a small HTTP server of the test's own."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        yield from _served(server)


def _served(server: ThreadingTCPServer) -> Iterator[int]:
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
