"""Find out within seconds whether sources can be reached at all, since a lost network may take minutes to show."""

import socket
import threading
import time
from collections.abc import Sequence
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from huggingface_hub import constants

from deepfake_core.hub.manifest import HubFile, Source

FIRST, OTHERS = 1.6, 1.2
"""Seconds to connect to the first source, then to all others at once: 2.8 s offline."""


def address_of(source: Source) -> tuple[str, int]:
    """Host and port to connect to: the source's, or those of the proxy in the environment."""
    url = constants.ENDPOINT if isinstance(source, HubFile) else source.url
    parts = urlsplit(url)
    proxy = getproxies().get(parts.scheme) or getproxies().get("all")
    if proxy and not proxy_bypass(parts.hostname or ""):
        parts = urlsplit(proxy if "//" in proxy else f"//{proxy}")
    return parts.hostname or "", parts.port or (80 if parts.scheme == "http" else 443)


def reachable(sources: Sequence[Source], seconds: float) -> list[Source]:
    """Those of `sources` to which a connection opens within `seconds`."""
    addresses = {address_of(one) for one in sources}
    answers: dict[tuple[str, int], bool] = {}
    changed = threading.Condition()

    def connect(address: tuple[str, int]) -> None:
        try:
            socket.create_connection(address, timeout=seconds).close()
            answer = True
        except OSError:
            answer = False
        with changed:
            answers[address] = answer
            changed.notify()

    for address in addresses:  # not in a pool: the name service may block a thread for long
        threading.Thread(target=connect, args=(address,), name=f"connect to {address[0]}", daemon=True).start()
    end = time.monotonic() + seconds
    with changed:
        while len(answers) < len(addresses) and (left := end - time.monotonic()) > 0:
            changed.wait(left)
        return [one for one in sources if answers.get(address_of(one))]
