"""Who may use what, and how often: consent, and runs in a minute, checked on the server before any handler."""

import inspect
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any

import gradio as gr
from gradio.block_function import BlockFunction
from gradio.utils import get_type_hints

from deepfake_core.errors import ConsentMissing, LabError, MissingFile, TooManyRuns
from deepfake_core.settings import settings
from deepfake_core.ui.server.upload_check import FILES, Uploads
from deepfake_core.ui.server.uploaded import Upload, Withheld
from deepfake_core.ui.server.validation import CheckedBlocks, Refused, refusal
from deepfake_core.ui.server.values import kind_of
from deepfake_core.ui.wiring import NETWORK

MINUTE = 60.0
SENTENCE = "I use only my own face, drawn ones, or faces of people who have agreed to it."
ASKED = "your own file is used once you have ticked the box at the top of the page, which says whose faces it may show"
EXAMINED = "verify-file"
"""The one place for files that are only looked at, whoever is in them."""


class Visitors:
    """What the server knows of the sessions that are open now; it is forgotten with them.

    `guard` puts one check before every handler that is given values, so that no endpoint can be forgotten. An upload
    that may not be used reaches the handler as `Withheld`, and the sentence appears where the result would.
    """

    def __init__(self) -> None:
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

    def guard(self, page: CheckedBlocks) -> None:
        """Check first, in every handler that is given values; what looks at a file looks again after the tick.

        Raises `TypeError` for a component whose values no check knows, and where Gradio would open files.
        """
        for handler in page.fns.values():
            if not handler.inputs or handler.fn is None:
                continue
            takes_file = any(isinstance(one, FILES) for one in handler.inputs)
            if takes_file and handler.preprocess:
                raise TypeError(f"{handler.name} takes files, so it needs preprocess=False: our own readers open them")
            for one in handler.inputs:
                if not isinstance(one, FILES):
                    kind_of(one)
            handler.fn = self._guarded(handler, handler.fn, page.uploads)
            if takes_file and any(event == "change" for _, event in handler.targets):
                handler.targets.append((self.known._id, "change"))

    def agree(self, ticked: bool, request: gr.Request) -> bool:
        """Remember the tick, or its absence, for this session alone."""
        session = str(request.session_hash)
        (self._agreed.add if ticked else self._agreed.discard)(session)
        return ticked

    def forget(self, request: gr.Request) -> None:
        """The session is over."""
        self._agreed.discard(str(request.session_hash))

    def _guarded(self, handler: BlockFunction, function: Callable[..., Any], uploads: Uploads) -> Callable[..., Any]:
        """The handler's function, given what may be used of its values; its errors are shown as a sentence."""

        @like(function)
        def answer(request: gr.Request, *values: Any) -> Any:
            with ExitStack() as until:
                try:
                    return function(*self._admitted(handler, uploads, request, values, until))
                except gr.Error:
                    raise
                except Exception as error:
                    return refusal(handler, error)

        @like(function)
        def answers(request: gr.Request, *values: Any) -> Iterator[Any]:
            with ExitStack() as until:
                try:
                    yield from function(*self._admitted(handler, uploads, request, values, until))
                except gr.Error:
                    raise
                except Exception as error:
                    yield refusal(handler, error)

        return answers if inspect.isgeneratorfunction(inspect.unwrap(function)) else answer

    def _admitted(
        self, handler: BlockFunction, uploads: Uploads, request: gr.Request, values: Sequence[Any], until: ExitStack
    ) -> list[Any]:
        """The values as the handler may use them, until `until` closes. Raises `LabError` when none may be used."""
        if refused := next((value for value in values if isinstance(value, Refused)), None):
            raise refused.error
        examined = any(one.elem_id == EXAMINED for one in handler.inputs)
        refusal = self._too_often(request) if examined or handler.concurrency_id == NETWORK else None
        files = {place: values[place] for place, one in enumerate(handler.inputs) if isinstance(one, FILES)}
        if refusal and not any(files.values()):
            raise refusal
        agreed = examined or str(request.session_hash) in self._agreed
        admit = partial(self._admit, uploads, agreed, refusal, until)
        given = {place: [*map(admit, one)] if isinstance(one, list) else admit(one) for place, one in files.items()}
        return [given.get(place, value) for place, value in enumerate(values)]

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

    def _admit(self, uploads: Uploads, agreed: bool, refusal: LabError | None, until: ExitStack, value: Any) -> Upload:
        """One file: a path that is the handler's alone, or why there is none."""
        if not value or isinstance(value, Withheld):
            return value or None
        if refusal:
            return Withheld(refusal)
        try:
            named = uploads.named(value)
            path = uploads.take(named, until)
        except MissingFile as error:
            return Withheld(error)
        example = uploads.example(path)
        if not (agreed or example):
            return Withheld(ConsentMissing(ASKED))
        if example and example.name == path.name:
            return {"path": str(example)}  # nobody can change it, and what is made of it has one name for all
        return {"path": str(path), "upload": str(named)}


def like(function: Callable[..., Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a guarded function, which takes the request first, the parameters that Gradio looks for in `function`."""

    def signed(guarded: Callable[..., Any]) -> Callable[..., Any]:
        own = next(iter(inspect.signature(guarded).parameters.values())).replace(name="_request")
        others = inspect.signature(function).parameters.values()
        guarded.__signature__ = inspect.Signature([own, *others])  # type: ignore[attr-defined]
        hints = get_type_hints(function)  # type: ignore[no-untyped-call] # as Gradio reads them
        guarded.__annotations__ = {**hints, "_request": gr.Request}
        return guarded

    return signed


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
