"""A small Hugging Face Hub on loopback: it serves files, takes commits, and fails as the real one does."""

import base64
import hashlib
import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

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
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    """(method, path, Range) of every request."""
    pushed: dict[str, bytes] = field(default_factory=dict)
    url: str = ""

    def gets(self) -> list[tuple[str, str, str]]:
        """The requests for files."""
        return [request for request in self.asked if request[0] == "GET" and "/resolve/" in request[1]]


@contextmanager
def serve(hub: Hub) -> Iterator[Hub]:
    """Run the server for the length of the block."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(hub))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    hub.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()


def handler(hub: Hub) -> type[BaseHTTPRequestHandler]:
    """The request handler of one hub."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:
            """Nothing on the terminal."""

        def do_HEAD(self) -> None:
            self.hand_out(hub.head_statuses, body=False)

        def do_GET(self) -> None:
            self.hand_out(hub.statuses, body=True)

        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            hub.asked.append(("POST", self.path, ""))
            if not self.allowed():
                return
            if self.path.endswith("/preupload/main"):
                files = [{"path": one["path"], "uploadMode": "regular"} for one in json.loads(content)["files"]]
                self.answer({"files": [{**one, "shouldIgnore": False} for one in files]})
            elif self.path.endswith("/commit/main"):
                for row in map(json.loads, content.splitlines()):
                    if row["key"] == "file":
                        hub.pushed[row["value"]["path"]] = base64.b64decode(row["value"]["content"])
                address = f"{hub.url}/me/weights/commit/{COMMIT}"
                self.answer({"success": True, "commitOid": COMMIT, "commitUrl": address})
            else:
                self.answer({"url": f"{hub.url}/me/weights", "name": "me/weights"})

        def answer(self, content: object, status: int = 200, **headers: str) -> None:
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            for name, value in {
                **{name.replace("_", "-"): value for name, value in headers.items()},
                **hub.headers,
            }.items():
                if value is not None:
                    self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def allowed(self) -> bool:
            if hub.token and self.headers.get("Authorization") != f"Bearer {hub.token}":
                self.answer({"error": "Invalid username or password."}, 401)
                return False
            return True

        def hand_out(self, statuses: list[int], *, body: bool) -> None:
            hub.asked.append((self.command, self.path, self.headers.get("Range", "")))
            if statuses:
                self.answer({"error": "so it goes"}, statuses.pop(0))
                return
            if not self.allowed():
                return
            if hub.redirect and self.path != hub.redirect:
                self.send_response(302)
                own = {"Location": hub.redirect, "Content-Length": "0", "X-Repo-Commit": COMMIT, "ETag": f'"{COMMIT}"'}
                for name, value in {**own, **hub.headers}.items():
                    if value is not None:
                        self.send_header(name, value)
                self.end_headers()
                return
            found = RESOLVE.fullmatch(self.path)
            repository = f"{found[1]}/{found[2]}" if found and found[1] else found[2] if found else ""
            content = hub.files.get((repository, found[3])) if found else None
            if content is None:
                known = any(held == repository for held, _ in hub.files)
                self.answer({"error": "not found"}, 404, X_Error_Code="EntryNotFound" if known else "RepoNotFound")
                return
            self.send_file(content, body)

        def send_file(self, content: bytes, body: bool) -> None:
            begin = int((re.match(r"bytes=(\d+)-", self.headers.get("Range", "")) or [0, 0])[1])
            self.send_response(206 if begin else 200)
            self.send_header("Content-Length", str(len(content) - begin))
            if begin:
                self.send_header("Content-Range", f"bytes {begin}-{len(content) - 1}/{len(content)}")
            self.send_header("Accept-Ranges", "bytes")
            own = {
                "ETag": f'"{hashlib.sha256(content).hexdigest()}"',
                "X-Repo-Commit": hashlib.sha1(content).hexdigest(),  # another content is another commit
            }
            for name, value in {**own, **hub.headers}.items():
                if value is not None:
                    self.send_header(name, value)
            self.end_headers()
            if body:
                self.send_pieces(content, begin)

        def send_pieces(self, content: bytes, begin: int) -> None:
            end = begin + hub.breaks.pop(0) if hub.breaks else len(content)
            try:
                for start in range(begin, min(end, len(content)), PIECE):
                    time.sleep(hub.pause)
                    self.wfile.write(content[start : min(start + PIECE, end)])
            except OSError:
                return  # the client has hung up
            if end < len(content):
                self.close_connection = True
                self.connection.shutdown(2)

    return Handler
