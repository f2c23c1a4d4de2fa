"""A hub of datasets on this machine: the answers that `huggingface_hub` and `datasets` ask for, out of a dictionary."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote

from huggingface_hub import DatasetCard

REVISION = "b" * 40


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def do_POST(self) -> None:
        self._answer(with_body=True)

    def _answer(self, with_body: bool) -> None:
        path = unquote(self.path.split("?")[0]).strip("/")
        self.server.asked.append(f"{self.command} {path}")
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = path.split("/")
        is_api = parts[:2] == ["api", "datasets"]
        parts = parts[2:] if is_api else parts[1:]
        repo = self.server.repos.get("/".join(parts[:2]))
        if repo is None:
            return self._refuse("RepoNotFound")
        if is_api:
            return self._send_json(self._told("/".join(parts[:2]), repo, parts[2:], body), with_body)
        name = "/".join(parts[4:])
        if parts[2] != "resolve" or name not in repo:
            return self._refuse("EntryNotFound")
        return self._send(repo[name], "application/octet-stream", with_body)

    def _told(self, name: str, repo: Mapping[str, bytes], rest: list[str], body: bytes) -> Any:
        if rest[:1] == ["tree"]:
            folder = "/".join(rest[2:])
            return [entry for entry in _entries(repo) if _is_in(entry["path"], folder, "recursive=true" in self.path)]
        if rest[:1] == ["paths-info"]:
            wanted = json.loads(body)["paths"] if body[:1] == b"{" else parse_qs(body.decode()).get("paths", [])
            return [entry for entry in _entries(repo) if entry["path"] in wanted]
        told = {"id": name, "sha": REVISION, "private": False, "gated": False, "disabled": False, "downloads": 0}
        told["siblings"] = [{"rfilename": path, "size": len(content)} for path, content in repo.items()]
        card = DatasetCard(repo.get("README.md", b"").decode(), ignore_metadata_errors=True)
        return told | {"cardData": card.data.to_dict(), "tags": [], "likes": 0}

    def _refuse(self, code: str) -> None:
        self.send_response(404)
        self.send_header("X-Error-Code", code)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _send_json(self, told: Any, with_body: bool) -> None:
        self._send(json.dumps(told).encode(), "application/json", with_body)

    def _send(self, content: bytes, kind: str, with_body: bool) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("ETag", f'"{_oid(content)}"')
        self.send_header("X-Repo-Commit", REVISION)
        self.end_headers()
        if with_body:
            self.wfile.write(content)

    def log_message(self, *arguments: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    def __init__(self, repos: Mapping[str, Mapping[str, bytes]]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.repos = repos
        self.asked: list[str] = []


def _oid(content: bytes) -> str:
    return hashlib.sha1(content).hexdigest()


def _entries(repo: Mapping[str, bytes]) -> list[dict[str, Any]]:
    folders = {path.rsplit("/", depth)[0] for path in repo for depth in range(1, path.count("/") + 1)}
    made = [{"type": "directory", "path": path, "size": 0, "oid": _oid(path.encode())} for path in sorted(folders)]
    return made + [
        {"type": "file", "path": path, "size": len(content), "oid": _oid(content)} for path, content in repo.items()
    ]


def _is_in(path: str, folder: str, recursive: bool) -> bool:
    inner = path.removeprefix(f"{folder}/") if folder else path
    return (not folder or path.startswith(f"{folder}/")) and (recursive or "/" not in inner)


@contextmanager
def serve_datasets(repos: Mapping[str, Mapping[str, bytes]]) -> Iterator[_Server]:
    """repos: {"organisation/name": {path: content}}. `asked` of the server: every request so far."""
    server = _Server(repos)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def address_of(server: _Server) -> str:
    return f"http://127.0.0.1:{server.server_address[1]}"
