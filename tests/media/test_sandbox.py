"""The sandbox: a process in it keeps its limits, can open only what it was given, and ends with its parent."""

import os
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from deepfake_core.media.child_process import ChildProcess, sandboxed
from deepfake_core.media.decode import read_frames
from deepfake_core.media.sandbox import FORBIDDEN, landlock_version
from tests.media.clips import make_clip

linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux offers this")
landlock = pytest.mark.skipif(
    sys.platform != "linux" or landlock_version() < 1, reason="this kernel has no Landlock, so paths are not restricted"
)
seccomp = pytest.mark.skipif(
    sys.platform != "linux" or os.uname().machine not in FORBIDDEN, reason="no table of calls for this processor"
)

PYTHON = (Path(sys.prefix), Path(sys.base_prefix))
RUNNING = ("python", "ffmpeg")


def attempt(
    code: str, *, reads: Sequence[Path] = (), writes: Sequence[Path] = (), file: int | None = 0, memory: int = 1 << 28
) -> tuple[int, str]:
    """Run `code` in the sandbox and return its status and the last line of what it printed or complained of."""
    command = [sys.executable, "-I", "-S", "-c", code]
    confined = sandboxed(command, memory=memory, cpu=5, file=file, reads=(*PYTHON, *reads), writes=writes)
    child = ChildProcess(confined, source=subprocess.DEVNULL, pipe_output=True)
    try:
        with child.time_limit(30):
            said = child.output.read().decode()
        status = child.wait(30)
        return status, (said.splitlines() or list(child.messages) or [""])[-1]
    finally:
        child.kill()


def test_it_lets_honest_work_through(tmp_path: Path) -> None:
    (tmp_path / "in").write_text("given")
    code = f"open({str(tmp_path / 'out')!r}, 'w').write(open({str(tmp_path / 'in')!r}).read())"
    assert attempt(code, reads=[tmp_path / "in"], writes=[tmp_path / "out"], file=None) == (0, "")
    assert (tmp_path / "out").read_text() == "given"


@seccomp
@pytest.mark.parametrize("family", ["AF_INET", "AF_INET6", "AF_UNIX", "AF_NETLINK"])
def test_no_socket(family: str) -> None:
    assert attempt(f"import socket; socket.socket(socket.{family})") == (
        1,
        "PermissionError: [Errno 13] Permission denied",
    )


@seccomp
@pytest.mark.parametrize(
    "code",
    [
        "import os; os.fork()",
        "import os; os.posix_spawn('/bin/true', ['true'], {})",
        "import os; os.kill(os.getppid(), 0)",
        "import os; os.chmod('/', 0o777)",
        "import ctypes as c; c.CDLL(None, use_errno=True).syscall(425, 1, None); raise OSError(c.get_errno(), '')",
    ],
    ids=["fork", "spawn", "kill", "chmod", "io_uring"],
)
def test_no_other_process_and_no_detour(code: str) -> None:
    status, said = attempt(code)
    assert status == 1
    assert "[Errno 13]" in said


@seccomp
def test_threads_and_ending_itself_stay_allowed() -> None:
    assert attempt("import threading as t; a = t.Thread(target=print); a.start(); a.join()") == (0, "")
    assert attempt("import os; os.abort()")[0] == -signal.SIGABRT


CALL = """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
def call(*arguments):
    if libc.syscall(*(ctypes.c_long(a) if isinstance(a, int) else a for a in arguments)) < 0:
        raise OSError(ctypes.get_errno(), "refused")
"""
PYTHON_CALLS = {
    "prlimit of its parent": "import resource; resource.prlimit(os.getppid(), resource.RLIMIT_NOFILE)",
    "prlimit that sets": "import resource; resource.prlimit(0, resource.RLIMIT_NOFILE, (32, 32))",
    "setrlimit": "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (32, 32))",
    "setpriority": "os.setpriority(os.PRIO_PROCESS, 0, 19)",
    "utimensat": "os.utime({path!r})",
    "setxattr": "os.setxattr({path!r}, 'user.a', b'1')",
    "removexattr": "os.removexattr({path!r}, 'user.a')",
}
BY_NUMBER = {
    "shmget": {"x86_64": 29, "aarch64": 194},
    "shmat": {"x86_64": 30, "aarch64": 196},
    "semget": {"x86_64": 64, "aarch64": 190},
    "semop": {"x86_64": 65, "aarch64": 193},
    "msgget": {"x86_64": 68, "aarch64": 186},
    "msgsnd": {"x86_64": 69, "aarch64": 189},
    "mq_open": {"x86_64": 240, "aarch64": 180},
    "pidfd_open": {"x86_64": 434, "aarch64": 434},
}


@seccomp
@pytest.mark.parametrize("name", PYTHON_CALLS)
def test_no_limit_date_or_attribute_is_changed(name: str, tmp_path: Path) -> None:
    """Not even of the file that it may write to, nor of itself: as root it could raise its limits again."""
    path = tmp_path / "out"
    path.write_text("")
    os.utime(path, (1, 1))
    status, said = attempt("import os; " + PYTHON_CALLS[name].format(path=str(path)), reads=[path], writes=[path])
    assert (status, "[Errno 13]" in said) == (1, True), said
    assert path.stat().st_mtime == 1


@seccomp
@pytest.mark.parametrize("name", BY_NUMBER)
def test_no_memory_queue_or_semaphore_is_shared(name: str) -> None:
    status, said = attempt(CALL + f"call({BY_NUMBER[name][os.uname().machine]}, 0, 1, 0o1600)")
    assert (status, "[Errno 13]" in said) == (1, True), said


@seccomp
def test_it_may_ask_for_its_own_limits() -> None:
    assert attempt("import resource; print(resource.prlimit(0, resource.RLIMIT_CORE))") == (0, "(0, 0)")


@landlock
def test_it_becomes_no_other_program(tmp_path: Path) -> None:
    """Neither one that it may read, nor one below the folders of libraries, whose loader is one."""
    given = Path(shutil.copy(shutil.which("true") or "", tmp_path / "given"))
    for program in (given, Path("/bin/true"), *Path("/usr/lib/git-core").glob("git")):
        status, said = attempt(f"import os; os.execv({str(program)!r}, ['x'])", reads=[given])
        assert (status, "[Errno 13]" in said) == (1, True), said
    assert attempt("import os, sys; os.execv(sys.executable, ['x', '-c', 'print(5)'])") == (0, "5")


@seccomp
def test_a_reader_of_pictures_becomes_no_program_at_all() -> None:
    code = (
        f"import sys; sys.path.append({str(Path(__file__).parents[2])!r}); import os; "
        "from deepfake_core.media.sandbox import confine; "
        "confine(memory=None, cpu=None, file=None, reads=[], writes=[], parent=os.getppid()); "
        "os.execv(sys.executable, ['x', '-c', 'print(5)'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "[Errno 13]" in done.stderr


@landlock
def test_it_opens_nothing_but_what_it_was_given(tmp_path: Path) -> None:
    given, secret = tmp_path / "given", tmp_path / "secret"
    given.write_text("1")
    secret.write_text("2")
    (tmp_path / "link").symlink_to(secret)
    refused = "open({!r}, {!r})"
    for path, mode in [
        *((str(path), "r") for path in (secret, tmp_path / "link", "/etc/passwd", f"/proc/{os.getpid()}/environ")),
        *((str(path), "a") for path in (given, secret, tmp_path / "new")),
    ]:
        status, said = attempt(refused.format(path, mode), reads=[given])
        assert status == 1
        assert "PermissionError" in said
    for code in (f"import os; os.remove({str(given)!r})", f"import os; os.listdir({str(tmp_path)!r})"):
        assert "PermissionError" in attempt(code, reads=[given])[1]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["given", "link", "secret"]


@linux
def test_limits_of_memory_time_file_size_and_open_files(tmp_path: Path) -> None:
    assert attempt("bytearray(100 << 20)") == (0, "")
    assert attempt("bytearray(300 << 20)") == (1, "MemoryError")
    bigger = (
        f"import os; os.write(os.open({str(tmp_path / 'out')!r}, os.O_WRONLY), bytes(11)) == 10 or os.write(3, b'')"
    )
    attempt(bigger, writes=[tmp_path / "out"], file=10)
    assert (tmp_path / "out").stat().st_size == 10
    attempt(bigger, writes=[tmp_path / "none"], file=0)
    assert not (tmp_path / "none").exists() or (tmp_path / "none").stat().st_size == 0
    assert "Too many open files" in attempt("import os; [os.dup(0) for _ in range(100)]")[1]
    started = time.monotonic()
    command = sandboxed([sys.executable, "-I", "-S", "-c", "while True: pass"], cpu=1, reads=PYTHON)
    child = ChildProcess(command, source=subprocess.DEVNULL, pipe_output=True)
    assert child.wait(30) in (-signal.SIGXCPU, -signal.SIGKILL)
    assert not child.timed_out
    assert time.monotonic() - started < 25


def test_a_lower_limit_of_the_system_is_kept() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert soft >= 64
    code = (
        "import resource; print(*resource.getrlimit(resource.RLIMIT_NOFILE), *resource.getrlimit(resource.RLIMIT_CORE))"
    )
    assert attempt(code) == (0, f"{min(64, hard)} {min(64, hard)} 0 0")


def test_a_child_that_hangs_is_killed_after_its_seconds() -> None:
    command = sandboxed([sys.executable, "-I", "-S", "-c", "import time; time.sleep(60)"], reads=PYTHON)
    child = ChildProcess(command, source=subprocess.DEVNULL, pipe_output=True)
    started = time.monotonic()
    assert child.wait(0.5) == -signal.SIGKILL
    assert child.timed_out
    assert time.monotonic() - started < 10


def test_it_sees_nothing_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "secret")
    assert attempt("import os; print('HF_TOKEN' in os.environ)") == (0, "False")


def test_a_stream_outlives_the_thread_that_opened_it(clips: Path) -> None:
    opened = []
    thread = threading.Thread(target=lambda: opened.append(read_frames(clips / "long.mp4")))
    thread.start()
    thread.join()
    time.sleep(0.2)
    assert len(list(opened[0])) == 100
    assert opened[0].warning is None


def test_a_program_that_does_not_start_is_a_fault_of_the_machine(
    clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "ffmpeg"
    broken.write_text("#!/nowhere/at/all\n")
    broken.chmod(0o755)
    monkeypatch.setattr("imageio_ffmpeg.get_ffmpeg_exe", lambda: str(broken))
    with pytest.raises(RuntimeError, match="ffmpeg did not start: No such file"):
        read_frames(clips / "plain.mp4")
    broken.unlink()
    with pytest.raises(FileNotFoundError, match="ffmpeg not found"):
        read_frames(clips / "plain.mp4")


HOLDING = """
import subprocess, sys, time
from pathlib import Path
from deepfake_core.media.child_process import ChildProcess, sandboxed
from deepfake_core.media.decode import read_frames
held = [read_frames(Path(sys.argv[1]))]
next(held[0])
forever = "while True: pass"
command = sandboxed([sys.executable, "-I", "-S", "-c", forever])
held.append(ChildProcess(command, source=subprocess.DEVNULL, pipe_output=False))
print(held[0]._ffmpeg._process.pid, held[1]._process.pid, flush=True)
time.sleep(60)
"""


def _runs(process: int) -> bool:
    try:
        name, state = Path(f"/proc/{process}/stat").read_text().split()[1:3]
    except OSError:
        return False
    return state not in "ZX" and any(word in name for word in RUNNING)


@linux
def test_a_killed_server_leaves_no_child(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4", frames=300, size="320x240", extra=("-preset", "ultrafast"))
    parent = subprocess.Popen([sys.executable, "-c", HOLDING, clip], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    children = [int(word) for word in parent.stdout.readline().split()]
    assert len(children) == 2
    assert all(map(_runs, children))
    parent.kill()
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + 5
    while any(map(_runs, children)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(_runs, children))
