"""The messages that sessions have not yet asked for."""

import asyncio
import time

from gradio.server_messages import EventMessage
from gradio.utils import LRUCache


class Mailboxes(LRUCache[str, "asyncio.Queue[EventMessage]"]):
    """Session -> its pending messages, and when it last polled for them. Unlike its base class it evicts nothing."""

    def __init__(self) -> None:
        super().__init__(max_size=2**62)
        self.made: dict[str, float] = {}
        self.read: dict[str, float] = {}

    def __getitem__(self, session: str) -> "asyncio.Queue[EventMessage]":
        messages = super().__getitem__(session)
        self.read[session] = time.monotonic()
        return messages

    def __setitem__(self, session: str, messages: "asyncio.Queue[EventMessage]") -> None:
        super().__setitem__(session, messages)
        self.made[session] = time.monotonic()

    def __delitem__(self, session: str) -> None:
        super().__delitem__(session)
        self.made.pop(session, None)
        self.read.pop(session, None)

    def silent_for(self, session: str) -> float:
        """Seconds since the session last polled, or since it joined."""
        return time.monotonic() - self.read.get(session, self.made.get(session, 0.0))
