"""Who may use what, and how often: consent, and runs in a minute, checked on the server before any handler."""

import inspect
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import gradio as gr

from deepfake_core.errors import ConsentMissing, LabError, TooManyRuns
from deepfake_core.hub.files import sha256_of
from deepfake_core.settings import settings
from deepfake_core.ui.form import Upload, Withheld

MINUTE = 60.0
SENTENCE = "I use only my own face, drawn ones, or faces of people who have agreed to it."
ASKED = "your own file is used once you have ticked the box at the top of the page, which says whose faces it may show"
FILES = (gr.Image, gr.Video, gr.File)
NETWORK = "model"
"""The queue of everything that asks a network."""
EXAMINED = "verify-file"
"""The one place for files that are only looked at, whoever is in them."""


class Visitors:
    """What the server knows of the sessions that are open now; it is forgotten with them.

    `guard` puts one check before every handler that is given files, so that no endpoint can be forgotten: an upload
    that may not be used reaches the handler as `Withheld`, and the sentence appears where the result would.
    """

    def __init__(self, examples: Iterable[Path]) -> None:
        self._examples = tuple(examples)
        self._agreed: set[str] = set()
        self._runs = Frequency()

    def render(self) -> None:
        """Place the box."""
        self.box = gr.Checkbox(False, label=SENTENCE, container=False, elem_id="consent")
        self.known = gr.State(False)  # changes once the server has heard of the tick

    def listen(self, page: gr.Blocks) -> None:
        self.box.input(
            self.agree,
            inputs=self.box,
            outputs=self.known,
            concurrency_limit=None,
            show_progress="hidden",
            api_visibility="private",
        )
        page.unload(self.forget)

    def guard(self, page: gr.Blocks) -> None:
        """Check first, in every handler that is given files; what looks at a file looks again after the tick."""
        for handler in page.fns.values():
            places = [place for place, one in enumerate(handler.inputs) if isinstance(one, FILES)]
            if not places or handler.fn is None:
                continue
            examined = all(handler.inputs[place].elem_id == EXAMINED for place in places)
            counted = examined or handler.concurrency_id == NETWORK
            handler.fn = self._checked(handler.fn, places, counted=counted, consent=not examined)
            if any(event == "change" for _, event in handler.targets):
                handler.targets.append((self.known._id, "change"))

    def agree(self, ticked: bool, request: gr.Request) -> bool:
        """Remember the tick, or its absence, for this session alone."""
        session = str(request.session_hash)
        (self._agreed.add if ticked else self._agreed.discard)(session)
        return ticked

    def forget(self, request: gr.Request) -> None:
        """The session is over."""
        self._agreed.discard(str(request.session_hash))

    def _checked(
        self, handler: Callable[..., Any], places: list[int], *, counted: bool, consent: bool
    ) -> Callable[..., Any]:
        def admitted(request: gr.Request, values: tuple[Any, ...]) -> list[Any]:
            refusal = self._too_often(request) if counted and any(values[place] for place in places) else None
            agreed = not consent or str(request.session_hash) in self._agreed
            files = {place: self._admitted(values[place], agreed, refusal) for place in places}
            return [files.get(place, value) for place, value in enumerate(values)]

        def answer(request: gr.Request, *values: Any) -> Any:
            return handler(*admitted(request, values))

        def answers(request: gr.Request, *values: Any) -> Iterator[Any]:
            yield from handler(*admitted(request, values))

        return answers if inspect.isgeneratorfunction(handler) else answer

    def _too_often(self, request: gr.Request) -> LabError | None:
        limits = settings()
        host = request.client.host if request.client else "unknown"
        asking = {
            f"session {request.session_hash}": limits.runs_per_minute,
            f"address {host}": limits.runs_per_minute_address,
        }
        for who, most in asking.items():
            if seconds := self._runs.wait(who, most):
                return TooManyRuns(f"more than {most} runs a minute are too many here; go on in {seconds:.0f} seconds")
        return None

    def _admitted(self, value: Any, agreed: bool, refusal: LabError | None) -> Any:
        if isinstance(value, list):
            return [self._admitted(one, agreed, refusal) for one in value]
        if not value:
            return value
        if refusal is None and not (agreed or self._is_example(value)):
            refusal = ConsentMissing(ASKED)
        return Withheld(refusal) if refusal else value

    def _is_example(self, upload: Upload) -> bool:
        path = Path(upload["path"]) if isinstance(upload, dict) and upload.get("path") else None
        if path is None or not path.is_file():
            return True  # nothing to use
        size = path.stat().st_size
        return size in self._digests and sha256_of(path) in self._digests[size]

    @cached_property
    def _digests(self) -> dict[int, set[str]]:
        """Bytes of a file -> what files of that length are examples: others need not be read."""
        known: dict[int, set[str]] = {}
        for path in self._examples:
            known.setdefault(path.stat().st_size, set()).add(sha256_of(path))
        return known


class Frequency:
    """How often something was done in the last minute, by whom."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._times: dict[str, deque[float]] = {}
        self._lock = threading.Lock()

    def wait(self, who: str, most: int) -> float:
        """Count once more and return 0; or return the seconds until that is allowed, when `most` have been counted."""
        now = self._now()
        with self._lock:
            for name in [name for name, times in self._times.items() if times[-1] <= now - MINUTE]:
                del self._times[name]
            times = self._times.setdefault(who, deque())
            while times and times[0] <= now - MINUTE:
                times.popleft()
            if len(times) >= most:
                return times[0] + MINUTE - now
            times.append(now)
            return 0.0
