"""Items 13 and 14 as the command line meets them: a hostile Hub, a checkpoint that is a bomb, careless keys."""

import asyncio
import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from benchmarks.load.server import REPOSITORY
from benchmarks.robustness.attacks.record import Attack, AttackResult, Target

NAME = "cyclegan-horse2zebra"
"""Weights that come from the Hub."""
SECONDS = 50.0
BOMB = 1_000_000_000
"""Bytes of the pickle in an archive of a megabyte: 2 GB took 4.6 GB."""
IMPORT_BAR = 900_000_000
"""Bytes of memory of an import: torch alone takes some 400 million."""
ADDRESS_SPACE = 8_000_000_000
"""Bytes, a guard for this machine."""
LAUNCH = """
import resource, subprocess, sys
peak, space, *command = sys.argv[1:]
if sys.platform == "linux":
    resource.setrlimit(resource.RLIMIT_AS, (int(space), int(space)))
status = subprocess.call(command)
unit = 1 if sys.platform == "darwin" else 1024
with open(peak, "w") as file:
    file.write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * unit))
sys.exit(abs(status))
"""
"""Runs a command and writes down its memory: the system counts a process's memory from the fork on, when it still is
that of its parent, and the parent of this one is small."""
STRANGER = 12_345
"""A user of this machine who is not the one who runs the program."""
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def command(target: Target, *words: str, **environment: str) -> tuple[int, str, int]:
    """(status, output, bytes of memory at most) of this program's command line, in folders of its own."""
    homes = {"DEEPFAKE_HOME": str(target.folder / "home"), "HF_HOME": str(target.folder / "hf")}
    data = {"XDG_DATA_HOME": str(target.folder / "data"), "HF_HUB_DISABLE_XET": "1", "HF_HUB_OFFLINE": "0"}
    peak = target.folder / "peak.txt"
    process = subprocess.Popen(
        [sys.executable, "-c", LAUNCH, str(peak), str(ADDRESS_SPACE), sys.executable, "-m", "deepfake_core", *words],
        cwd=REPOSITORY,
        env={**os.environ, **homes, **data, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    timer = threading.Timer(SECONDS, os.killpg, (process.pid, signal.SIGKILL))
    timer.start()
    output = process.communicate()[0].decode(errors="replace")
    timer.cancel()
    return process.returncode, output, int(peak.read_text()) if peak.exists() else 0


@contextmanager
def hostile_hub(etag: str, commit: str) -> Iterator[str]:
    """A Hub whose files bear these names: its address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            content = b"planted"
            self.send_response(200)
            for name, value in (("ETag", f'"{etag}"'), ("X-Repo-Commit", commit), ("Accept-Ranges", "bytes")):
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(content)

        do_HEAD = do_GET  # noqa: N815

        def log_message(self, format: str, *words: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def _pulled(target: Target, etag: str, commit: str = COMMIT) -> str:
    with hostile_hub(etag, commit) as address:
        return command(target, "weights", "pull", NAME, "--time-limit", "15", HF_ENDPOINT=address)[1]


async def hub(target: Target) -> AttackResult:
    """Pull weights from a Hub that names its files by paths."""
    home, outside = target.folder / "home", target.folder / "outside"
    for folder in (home, outside):
        folder.mkdir(exist_ok=True)
    precious = outside / "precious.txt"
    precious.write_text("years of work")
    (home / "known.json").write_text(f'{{"{NAME}": "{hashlib.sha256(b"another").hexdigest()}"}}')
    up = "../" * 12 + str(outside).lstrip("/")
    tries = [(str(precious), COMMIT), (f"{outside}/planted", COMMIT), (f"{up}/planted", COMMIT), ("a", f"{up}/commit")]
    for etag, commit in tries:
        await asyncio.to_thread(_pulled, target, etag, commit)
    gone = not precious.exists() or precious.read_text() != "years of work"
    planted = sorted(path.name for path in outside.rglob("*") if path != precious)
    seen = [*(["a file outside was deleted"] if gone else []), *(f"{name} was planted" for name in planted)]
    return AttackResult(bool(seen), "; ".join(seen) or "nothing outside the cache was touched")


async def bomb(target: Target) -> AttackResult:
    """Import a small archive whose pickle is large."""
    path = target.folder / "bomb.pth"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("archive/data.pkl", "w", force_zip64=True) as pickle:
            for _ in range(BOMB // 10_000_000):
                pickle.write(bytes(10_000_000))
        archive.writestr("archive/version", "3\n")
    status, output, memory = await asyncio.to_thread(command, target, "weights", "import", NAME, str(path))
    path.unlink()
    detail = f"status {status}, {memory / 1e6:.0f} MB: {output.strip()[-80:]}"
    return AttackResult(memory > IMPORT_BAR or "Traceback" in output, detail)


async def keys(target: Target) -> AttackResult:
    """Sign with a key that others of this machine can read."""
    _, output, _ = await asyncio.to_thread(command, target, "credentials", "show", "--json")
    shown = json.loads(output)
    place, certificate = Path(shown["key"]), target.folder / "certificate.pem"
    certificate.write_text(shown["certificate"])
    given = target.folder / "key.pem"
    found = [one for one in (place, *place.glob("*.pem")) if one.is_file() and "PRIVATE" in one.read_text()]
    if not found:
        return AttackResult(False, "no key was found to try it with")
    given.write_bytes(found[0].read_bytes())
    settings = {"DEEPFAKE_SIGNING_KEY": str(given), "DEEPFAKE_SIGNING_CERTIFICATE": str(certificate)}
    taken = list[str]()
    for kind, mode, owner in (
        ("all may read", 0o644, -1),
        ("a group may read", 0o640, -1),
        ("another owns", 0o600, STRANGER),
    ):
        given.chmod(mode)
        if owner < 0 or os.geteuid() == 0:
            os.chown(given, owner, -1)
            status, _, _ = await asyncio.to_thread(command, target, "credentials", "show", **settings)
            taken += [f"a key that {kind}"] if status == 0 else []
    return AttackResult(bool(taken), f"taken: {', '.join(taken)}" if taken else "no such key was taken")


ATTACKS = (
    Attack(name="hostile Hub", item="13", harm="delete or plant files outside the cache", run=hub, seconds=180),
    Attack(name="bomb checkpoint", item="14", harm="gigabytes of memory by a small archive", run=bomb),
    Attack(name="open key", item="14", harm="a signing key that others can read", run=keys, seconds=120),
)
