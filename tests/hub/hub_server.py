"""A small Hugging Face Hub on loopback: it serves files, takes commits, and fails as the real one does.

Files of the repository "" are those of an ordinary web server, by their paths; with a certificate it speaks HTTPS.
"""

import base64
import hashlib
import json
import re
import ssl
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import MappingProxyType
from typing import Any

COMMIT = "0123456789abcdef0123456789abcdef01234567"
RESOLVE = re.compile(r"/(?:(spaces|datasets)/)?([^/]+/[^/]+)/resolve/[^/]+/(.+)")
PIECE = 65_536


@dataclass
class Hub:
    """What the server holds, how it behaves, and what it was asked."""

    files: dict[tuple[str, str], bytes] = field(default_factory=dict)
    """(repository, file) -> content; a space's repository begins with `spaces/`."""
    statuses: list[int] = field(default_factory=list)
    """Answers to give instead of a file, one a GET or HEAD."""
    head_statuses: list[int] = field(default_factory=list)
    breaks: list[int] = field(default_factory=list)
    """Bytes after which the connection is cut, one a GET."""
    pause: float = 0.0
    """Seconds before every piece of a file."""
    token: str | None = None
    """Without this one nothing is handed out."""
    headers: dict[str, str | None] = field(default_factory=dict)
    """To send with every file, found or not, in place of the server's own; None leaves one out."""
    redirect: str | None = None
    """Where HEAD and GET of files are sent; a path of this server, or a whole address."""
    if_range: bool = False
    """Whether If-Range is honoured."""
    sent: list[int] = field(default_factory=list)
    """Statuses of all answers."""
    authorizations: list[str] = field(default_factory=list)
    """The header Authorization of every request for a file."""
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    """(method, path, Range) of every request."""
    pushed: dict[str, bytes] = field(default_factory=dict)
    url: str = ""

    def redirected(self, path: str) -> bool:
        """Whether requests for this path are redirected."""
        return self.redirect is not None and path != self.redirect

    def gets(self) -> list[tuple[str, str, str]]:
        """The requests for files, without those that the client makes for itself."""
        return [one for one in self.asked if one[0] == "GET" and not one[1].startswith("/api/")]


class Handler(BaseHTTPRequestHandler):
    """Answers the requests to one hub."""

    protocol_version = "HTTP/1.1"

    def __init__(self, hub: Hub, *connection: Any) -> None:
        self.hub = hub
        super().__init__(*connection)  # answers the requests

    def log_message(self, format: str, *args: object) -> None:
        """Nothing on the terminal."""

    def do_HEAD(self) -> None:
        self.hand_out(self.hub.head_statuses)

    def do_GET(self) -> None:
        self.hand_out(self.hub.statuses)

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.hub.asked.append(("POST", self.path, ""))
        if not self.allowed():
            return
        if self.path.endswith("/preupload/main"):
            files = [{"path": one["path"], "uploadMode": "regular"} for one in json.loads(content)["files"]]
            self.answer({"files": [{**one, "shouldIgnore": False} for one in files]})
        elif self.path.endswith("/commit/main"):
            self.commit(map(json.loads, content.splitlines()))
        else:
            self.answer({"url": f"{self.hub.url}/me/weights", "name": "me/weights"})

    def commit(self, rows: Iterable[dict[str, Any]]) -> None:
        for row in rows:
            if row["key"] == "file":
                self.hub.pushed[row["value"]["path"]] = base64.b64decode(row["value"]["content"])
        address = f"{self.hub.url}/me/weights/commit/{COMMIT}"
        self.answer({"success": True, "commitOid": COMMIT, "commitUrl": address})

    def allowed(self) -> bool:
        if self.hub.token and self.headers.get("Authorization") != f"Bearer {self.hub.token}":
            self.answer({"error": "Invalid username or password."}, 401)
            return False
        return True

    def hand_out(self, statuses: list[int]) -> None:
        self.hub.asked.append((self.command, self.path, self.headers.get("Range", "")))
        self.hub.authorizations.append(self.headers.get("Authorization", ""))
        if statuses:
            self.answer({"error": "so it goes"}, statuses.pop(0))
        elif not self.allowed():
            return
        elif self.hub.redirect and self.hub.redirected(self.path):
            to = {"Location": self.hub.redirect, "Content-Length": "0", "X-Repo-Commit": COMMIT, "ETag": f'"{COMMIT}"'}
            self.begin(302, to)
        else:
            self.hand_out_file()

    def hand_out_file(self) -> None:
        found = RESOLVE.fullmatch(self.path)
        repository = f"{found[1]}/{found[2]}" if found and found[1] else found[2] if found else ""
        content = self.hub.files.get((repository, found[3] if found else self.path))
        if content is not None:
            self.send_file(content)
            return
        known = any(held == repository for held, _ in self.hub.files)
        self.answer({"error": "not found"}, 404, {"X-Error-Code": "EntryNotFound" if known else "RepoNotFound"})

    def send_file(self, content: bytes) -> None:
        start = int((re.match(r"bytes=(\d+)-", self.headers.get("Range", "")) or [0, 0])[1])
        validator = self.headers.get("If-Range")
        if self.hub.if_range and validator and validator != f'"{hashlib.sha256(content).hexdigest()}"':
            start = 0
        headers = {
            "Content-Length": str(len(content) - start),
            "Accept-Ranges": "bytes",
            "ETag": f'"{hashlib.sha256(content).hexdigest()}"',
            "X-Repo-Commit": hashlib.sha1(content).hexdigest(),  # another content is another commit
        }
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        self.begin(206 if start else 200, headers)
        if self.command == "GET":
            self.send_pieces(content, start)

    def send_pieces(self, content: bytes, begin: int) -> None:
        end = begin + self.hub.breaks.pop(0) if self.hub.breaks else len(content)
        try:
            for start in range(begin, min(end, len(content)), PIECE):
                time.sleep(self.hub.pause)
                self.wfile.write(content[start : min(start + PIECE, end)])
        except OSError:
            return  # the client has hung up
        if end < len(content):
            self.close_connection = True
            self.connection.shutdown(2)

    def answer(self, content: object, status: int = 200, headers: Mapping[str, str] = MappingProxyType({})) -> None:
        body = json.dumps(content).encode()
        self.begin(status, {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers})
        if self.command != "HEAD":
            self.wfile.write(body)

    def begin(self, status: int, headers: Mapping[str, str]) -> None:
        """Send the status and the headers, the hub's own in place of these."""
        self.hub.sent.append(status)
        self.send_response(status)
        for name, value in {**headers, **self.hub.headers}.items():
            if value is not None:
                self.send_header(name, value)
        self.end_headers()


@contextmanager
def serve(hub: Hub, certificate: Path | None = None) -> Iterator[Hub]:
    """Run the server for the length of the block; `certificate` is a PEM file that holds its key, too."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, hub))
    server.daemon_threads = True
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    scheme = "https" if certificate else "http"
    hub.url = f"{scheme}://127.0.0.1:{server.server_port}"
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
