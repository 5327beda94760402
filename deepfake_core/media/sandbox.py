"""Sandbox for programs and code that parse untrusted bytes.

    python -I -S sandbox.py [memory=BYTES] [cpu=SECONDS] [file=BYTES] [read=PATH]... [write=PATH]... parent=PID -- CMD

restricts its own process and then replaces itself with the program (exec), so there is one process to watch and kill.
`confine` does the same for Python code that has finished its imports. This file runs before every decoder, so it
imports very little (about 20 ms).

Protection by platform:

- Linux: limits of memory, CPU seconds, file sizes and open files; no core file; no new privileges; it dies with its
  parent. seccomp (x86-64 and aarch64) denies sockets, io_uring, new processes, changes to resource limits and to file
  dates and attributes, shared memory between processes, and kernel services that no decoder needs. Landlock (kernel
  5.13, more complete from 6.12) restricts file access to the paths named here and the system's libraries, and
  execution to CMD and its loader. None of it needs privileges. What the kernel does not support is silently skipped.
- macOS: limits of CPU seconds, file sizes and open files; the memory limit is not enforced there.
- Windows: no protection here; only the parent's time limit applies.
"""

import ctypes
import os
import struct
import sys
from errno import EACCES, ENOSYS

if sys.platform != "win32":
    import resource

LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/nix/store", "/etc/ld.so.cache")
HEADER, PT_INTERP = 4096, 3  # bytes of an executable that are parsed; the segment that names its loader
OPEN_FILES = 64
ADDRESSES = 4 << 30
"""Bytes of address space in excess of the memory limit: every thread reserves 72 MB and uses little of it."""

NOT_STARTED = 127
"""Exit status when the program could not be executed; the system's loader uses it for a missing library too."""

SIGKILL, SIGPIPE, SIGXFSZ = 9, 13, 25  # importing the signal module takes as long as all the rest

PR_SET_PDEATHSIG, PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS = 1, 22, 38
SECCOMP_MODE_FILTER = 2


def confine(
    *,
    memory: int | None,
    cpu: int | None,
    file: int | None,
    reads: list[str],
    writes: list[str],
    parent: int,
    program: str | None = None,
) -> None:
    """Restrict this process irrevocably. `memory` and `file` (largest file written) in bytes, `cpu` in seconds.

    The process may read `reads` (files or whole folders) and `LIBRARIES`, write the files in `writes`, which are
    created, and execute `program` (None: nothing). A limit of None is not set. `parent` is the process ID of the
    parent. Raises `OSError` when a file of `writes` cannot be created or a supported restriction fails.
    """
    if sys.platform == "win32":
        return
    _limit_resources(memory, cpu, file)
    if sys.platform != "linux":
        return
    _prctl(PR_SET_PDEATHSIG, SIGKILL)
    if os.getppid() != parent:  # the parent died before the line above: nobody is left to read the result
        sys.exit(1)
    _prctl(PR_SET_NO_NEW_PRIVS, 1)
    _restrict_paths(reads, writes, [] if program is None else [program, *_loader_of(program)])
    _restrict_calls(os.uname().machine, executes=program is not None)


def _limit_resources(memory: int | None, cpu: int | None, file: int | None) -> None:
    """`RLIMIT_DATA` counts writable memory, so neither libraries nor address space that threads merely reserve."""
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_NOFILE, OPEN_FILES)
    _limit(resource.RLIMIT_FSIZE, file)
    _limit(resource.RLIMIT_CPU, cpu)
    _limit(resource.RLIMIT_DATA, memory)
    _limit(resource.RLIMIT_AS, None if memory is None else memory + ADDRESSES)


def _limit(kind: int, most: int | None) -> None:
    if most is None:
        return
    _, hard = resource.getrlimit(kind)
    least = most if hard == resource.RLIM_INFINITY else min(most, hard)
    try:
        resource.setrlimit(kind, (least, least))
    except (OSError, ValueError):
        if sys.platform == "linux":  # macOS refuses some
            raise


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _prctl(option: int, *values: int) -> int:
    padded = (*values, 0, 0, 0, 0)[:4]
    done: int = _libc().prctl(option, *map(ctypes.c_ulong, padded))
    return done


# Landlock: https://docs.kernel.org/userspace-api/landlock.html
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446  # the same numbers on every architecture
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR, TRUNCATE = 1 << 0, 1 << 1, 1 << 2, 1 << 3, 1 << 14
RIGHTS = {1: 13, 2: 14, 3: 15, 5: 16}
"""Number of file access rights supported since a version of Landlock: bits 0 to n - 1."""


def landlock_version() -> int:
    """Version of Landlock supported by this kernel; below 1 if unsupported."""
    return _call(CREATE_RULESET, None, 0, 1)


def _call(number: int, *arguments: bytes | int | None) -> int:
    done: int = _libc().syscall(number, *(ctypes.c_long(a) if isinstance(a, int) else a for a in arguments))
    return done


def _loader_of(program: str) -> list[str]:
    """The file that the kernel executes to start `program`: an ELF file's dynamic loader or a script's interpreter.

    Empty for a static program and for a file that cannot be parsed: the kernel then reports what is wrong with it.
    """
    try:
        with open(program, "rb") as file:
            head = file.read(HEADER)
            if head.startswith(b"#!"):
                return [os.fsdecode(word) for word in head[2:].split(b"\n")[0].split()[:1]]
            if not head.startswith(b"\x7fELF\x02"):
                return []
            (table,), (size, count) = struct.unpack_from("=Q", head, 32), struct.unpack_from("=HH", head, 54)
            file.seek(table)
            segments = file.read(size * count)
            for kind, start, length in (
                struct.unpack_from("=I4xQ16xQ", segments, size * number) for number in range(count)
            ):
                if kind == PT_INTERP:
                    file.seek(start)
                    return [os.fsdecode(file.read(min(length, HEADER)).rstrip(b"\0"))]
    except (OSError, struct.error):
        pass
    return []


def _restrict_paths(reads: list[str], writes: list[str], executes: list[str]) -> None:
    """Deny every access that Landlock handles, then allow single files and folders.

    A library is mapped, not executed, so it needs no right to execute.
    """
    version = landlock_version()
    written = [os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o666) for path in writes]
    if version < 1:
        return
    rights = (1 << max(count for since, count in RIGHTS.items() if since <= version)) - 1
    tcp, signals_and_abstract_sockets = 0b11, 0b11
    known = 8 if version < 4 else 16 if version < 6 else 24
    forbidden = struct.pack("=QQQ", rights, tcp, signals_and_abstract_sockets)[:known]
    rules = _checked(_call(CREATE_RULESET, forbidden, known, 0))
    for descriptor in written:
        _allow(rules, descriptor, rights & (READ_FILE | WRITE_FILE | TRUNCATE))
    for path in (*LIBRARIES, *reads):
        if os.path.exists(path):
            folder = READ_DIR if os.path.isdir(path) else 0
            _allow(rules, os.open(path, os.O_PATH | os.O_CLOEXEC), READ_FILE | folder)
    for path in executes:
        if os.path.isfile(path):
            _allow(rules, os.open(path, os.O_PATH | os.O_CLOEXEC), EXECUTE | READ_FILE)
    _checked(_call(RESTRICT_SELF, rules, 0))
    os.close(rules)


def _allow(rules: int, descriptor: int, rights: int) -> None:
    beneath = 1
    _checked(_call(ADD_RULE, rules, beneath, struct.pack("=Qi", rights, descriptor), 0))
    os.close(descriptor)


def _checked(result: int) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), f"Landlock: {os.strerror(ctypes.get_errno())}")
    return result


# seccomp: https://docs.kernel.org/userspace-api/seccomp_filter.html
FORBIDDEN = {
    "x86_64": (
        *(41, 53, 425),  # socket, socketpair, io_uring_setup
        *(57, 58, 62, 129, 200, 297, 424),  # fork, vfork; kill, rt_sigqueueinfo, tkill, rt_tgsig..., pidfd_send_signal
        *(101, 310, 311, 434, 438),  # ptrace, process_vm_readv, process_vm_writev, pidfd_open, pidfd_getfd
        *(90, 91, 92, 93, 94, 260, 268, 452),  # chmod, fchmod, chown, fchown, lchown, fchownat, fchmodat, fchmodat2
        *(165, 272, 308, 248, 249, 250),  # mount, unshare, setns; add_key, request_key, keyctl
        *(298, 321, 323),  # perf_event_open, bpf, userfaultfd
        *(160, 141, 251),  # setrlimit, setpriority, ioprio_set (prlimit64: see `_reads_limits`)
        *(132, 235, 261, 280),  # utime, utimes, futimesat, utimensat
        *(188, 189, 190, 463),  # setxattr, lsetxattr, fsetxattr, setxattrat
        *(197, 198, 199, 466),  # removexattr, lremovexattr, fremovexattr, removexattrat
        *(29, 30, 31, 67),  # shmget, shmat, shmctl, shmdt
        *(64, 65, 66, 220),  # semget, semop, semctl, semtimedop
        *(68, 69, 70, 71, 240, 241),  # msgget, msgsnd, msgrcv, msgctl; mq_open, mq_unlink
    ),
    "aarch64": (
        *(198, 199, 425),
        *(129, 138, 130, 240, 424),  # it has neither fork nor vfork
        *(117, 270, 271, 434, 438),
        *(52, 53, 54, 55, 452),  # fchmod, fchmodat, fchownat, fchown, fchmodat2
        *(40, 97, 268, 217, 218, 219),
        *(241, 280, 282),
        *(164, 140, 30),
        88,  # utimensat is its only one
        *(5, 6, 7, 463),
        *(14, 15, 16, 466),
        *(194, 196, 195, 197),
        *(190, 193, 191, 192),
        *(186, 189, 188, 187, 180, 181),
    ),
}
EXECUTING = {"x86_64": (59, 322), "aarch64": (221, 281)}  # execve, execveat
PRLIMIT = {"x86_64": 302, "aarch64": 261}
AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
CLONE = {"x86_64": 56, "aarch64": 220}
TGKILL = {"x86_64": 234, "aarch64": 131}
CLONE3 = 435
CLONE_THREAD = 0x10000
OTHER_NUMBERING = 0x40000000  # of x86-64's 32-bit calls
LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
ALLOW, KILL, FAIL = 0x7FFF0000, 0x80000000, 0x00050000
NUMBER, ARCHITECTURE, FIRST_ARGUMENT, THIRD_ARGUMENT = 0, 4, 16, 32  # offsets in `struct seccomp_data`


def _restrict_calls(machine: str, *, executes: bool) -> None:
    """Deny system calls that no decoder needs. Threads may be started, processes may not.

    A filter cannot inspect the flags of `clone3`, so that call returns ENOSYS and the C library falls back to `clone`.
    Without `executes`, `execve` is denied too.
    """
    if machine not in FORBIDDEN or struct.calcsize("P") != 8:
        return
    filters = [(LOAD, 0, 0, ARCHITECTURE), (EQUAL, 1, 0, AUDIT_ARCH[machine]), (RETURN, 0, 0, KILL)]
    filters.append((LOAD, 0, 0, NUMBER))
    numbers = FORBIDDEN[machine] + (() if executes else EXECUTING[machine])
    refused = [(EQUAL, number) for number in numbers] + [(AT_LEAST, OTHER_NUMBERING)]
    for test, number in refused:
        filters += [(test, 0, 1, number), (RETURN, 0, 0, FAIL | EACCES)]
    filters += [(EQUAL, 0, 1, CLONE3), (RETURN, 0, 0, FAIL | ENOSYS)]
    for number, test, value in ((CLONE[machine], ANY_BIT, CLONE_THREAD), (TGKILL[machine], EQUAL, os.getpid())):
        filters += [(EQUAL, 0, 4, number), (LOAD, 0, 0, FIRST_ARGUMENT), (test, 1, 0, value)]
        filters += [(RETURN, 0, 0, FAIL | EACCES), (RETURN, 0, 0, ALLOW)]
    filters += _reads_limits(PRLIMIT[machine])
    filters.append((RETURN, 0, 0, ALLOW))
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in filters))
    program = ctypes.create_string_buffer(struct.pack("@HP", len(filters), ctypes.addressof(code)))
    _prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.addressof(program))


def _reads_limits(prlimit: int) -> list[tuple[int, int, int, int]]:
    """Allow `prlimit64(0, kind, NULL, old)`, by which the C library reads this process's limits; deny other uses.

    The new limits are a 64-bit pointer, of which a filter compares one half at a time.
    """
    return [
        (EQUAL, 0, 8, prlimit),
        (LOAD, 0, 0, FIRST_ARGUMENT),
        (EQUAL, 0, 5, 0),
        (LOAD, 0, 0, THIRD_ARGUMENT),
        (EQUAL, 0, 3, 0),
        (LOAD, 0, 0, THIRD_ARGUMENT + 4),
        (EQUAL, 0, 1, 0),
        (RETURN, 0, 0, ALLOW),
        (RETURN, 0, 0, FAIL | EACCES),
    ]


def main(words: list[str]) -> None:
    """Parse the limits up to `--`, confine this process and execute the program after it."""
    end = words.index("--")
    options: dict[str, list[str]] = {"read": [], "write": []}
    for word in words[:end]:
        name, _, value = word.partition("=")
        options.setdefault(name, []).append(value)
    memory, cpu, file = (int(options[name][0]) if name in options else None for name in ("memory", "cpu", "file"))
    program = words[end + 1 :]
    for ignored_by_python in (SIGPIPE, SIGXFSZ):
        _libc().signal(ignored_by_python, None)
    try:
        confine(
            memory=memory,
            cpu=cpu,
            file=file,
            reads=options["read"],
            writes=options["write"],
            parent=int(options["parent"][0]),
            program=program[0],
        )
        os.execv(program[0], program)
    except OSError as error:
        print(f"{program[0]} did not start: {error.strerror}", file=sys.stderr)
        sys.exit(NOT_STARTED)


if __name__ == "__main__":
    main(sys.argv[1:])
