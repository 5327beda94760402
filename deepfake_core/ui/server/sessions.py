"""Consent and rate limits per session, checked on the server before every handler."""

import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any

import gradio as gr
from gradio.block_function import BlockFunction
from gradio.utils import get_type_hints

from deepfake_core.errors import ConsentMissing, LabError, MissingFile, TooManyRuns
from deepfake_core.settings import settings
from deepfake_core.turns import NETWORKS, Accounts, Run, acting_for, in_turns
from deepfake_core.ui.server.parameters import parameter_of
from deepfake_core.ui.server.queue import address_of
from deepfake_core.ui.server.rate_limit import RateLimit
from deepfake_core.ui.server.upload_check import UploadFolder, takes_file
from deepfake_core.ui.server.uploaded import NamedExample, Upload, Withheld
from deepfake_core.ui.server.validation import CheckedBlocks, Refused, refusal
from deepfake_core.ui.server.values import kind_of
from deepfake_core.ui.wiring import ANY_NUMBER, ON_NETWORKS, READINGS

CONSENT = "I use only my own face, drawn ones, or faces of people who have given consent."
CONSENT_MISSING = "tick the consent box at the top of the page before using your own files"
CONSENT_PARAMETER_FALSE = (
    "consent must be true for files of your own: it confirms that you use only your own face, drawn ones, or faces of "
    "people who have given consent"
)
HIDE_REFUSALS = """() => {
    if (!document.querySelector("#consent input")?.checked) return;
    document.querySelectorAll(".consent-missing").forEach(refusal => { refusal.hidden = true; });
}"""
KEEP = "(checked) => { try { sessionStorage.setItem('consent', checked ? 'given' : ''); } catch {} }"
KEPT = "() => { try { return [sessionStorage.getItem('consent') === 'given']; } catch { return [false]; } }"
"""Scripts: the tick is kept in the browser's tab until that is closed, and sent again when the page is reloaded."""
EXAMINED = "verify-file"
"""Element id of the only input of the page that needs no consent: Verify only analyses its file."""


class Sessions:
    """The state of the open sessions, which is removed with them.

    `guard` wraps every handler with inputs in one check, so no endpoint can be missed. An upload that may not be used
    is passed as `Withheld`, and the handler shows its message in the place of a result.
    """

    def __init__(self) -> None:
        self._consenting: set[str] = set()
        self._runs = RateLimit()
        self._accounts = Accounts()

    def render(self) -> None:
        """Create the consent box."""
        self.box = gr.Checkbox(False, label=CONSENT, container=False, elem_id="consent")
        self.known = gr.State(False)  # changes once the server has stored the consent

    def listen(self, page: gr.Blocks) -> None:
        self.box.input(
            self.agree,
            inputs=self.box,
            outputs=self.known,
            **ANY_NUMBER,
        )
        self.known.change(None, js=HIDE_REFUSALS)
        self.box.input(None, inputs=self.box, js=KEEP)
        page.load(self.recall, inputs=self.box, outputs=[self.box, self.known], js=KEPT, **ANY_NUMBER)
        page.unload(self.forget)

    def guard(self, page: CheckedBlocks) -> None:
        """Wrap every handler with inputs; handlers of a file's `change` event also run after consent was given.

        Raises `TypeError` for a component without a check, and for a handler whose files Gradio would open.
        """
        for handler in page.fns.values():
            if not handler.inputs or handler.fn is None:
                continue
            has_file = any(map(takes_file, handler.inputs))
            if has_file and handler.preprocess:
                raise TypeError(
                    f"{handler.name} has file inputs, so it needs preprocess=False: only our own readers open files"
                )
            for one in handler.inputs:
                if not takes_file(one):
                    kind_of(one)
            handler.fn = self._guarded(handler, handler.fn, page.uploads)
            files = [one._id for one in handler.inputs if takes_file(one)]
            if any(event == "change" and component in files for component, event in handler.targets):
                handler.targets.append((self.known._id, "change"))

    def agree(self, checked: bool, request: gr.Request) -> bool:
        """Store or remove the consent of this session."""
        session = str(request.session_hash)
        (self._consenting.add if checked else self._consenting.discard)(session)
        return checked

    def recall(self, checked: bool, request: gr.Request) -> tuple[bool, bool]:
        """Tick the box again after the page was reloaded; `checked` is what the browser's tab has kept."""
        agreed = self.agree(checked, request)
        return agreed, agreed

    def forget(self, request: gr.Request) -> None:
        """Remove the state of a closed session."""
        self._consenting.discard(str(request.session_hash))

    def _guarded(
        self, handler: BlockFunction, function: Callable[..., Any], uploads: UploadFolder
    ) -> Callable[..., Any]:
        """The handler's function with checked values; its exceptions are shown as messages."""

        @like(function)
        def answer(request: gr.Request, *values: Any) -> Any:
            with ExitStack() as until:
                try:
                    given = self._admitted(handler, uploads, request, values, until)
                    if handler.concurrency_id not in ON_NETWORKS:
                        return function(*given)
                    with acting_for(self._run_of(handler, request)), NETWORKS.turn():
                        return function(*given)
                except gr.Error:
                    raise
                except Exception as error:
                    return refusal(handler, error)

        @like(function)
        def answers(request: gr.Request, *values: Any) -> Iterator[Any]:
            with ExitStack() as until:
                try:
                    given = self._admitted(handler, uploads, request, values, until)
                    events = function(*given)
                    if handler.concurrency_id in ON_NETWORKS:
                        events = in_turns(self._run_of(handler, request), events)
                    yield from events
                except gr.Error:
                    raise
                except Exception as error:
                    yield refusal(handler, error)

        return answers if inspect.isgeneratorfunction(inspect.unwrap(function)) else answer

    def _run_of(self, handler: BlockFunction, request: gr.Request) -> Run:
        return self._accounts.run(address_of(request), reading=handler.concurrency_id == READINGS)

    def _admitted(
        self,
        handler: BlockFunction,
        uploads: UploadFolder,
        request: gr.Request,
        values: Sequence[Any],
        until: ExitStack,
    ) -> list[Any]:
        """The values that the handler may use until `until` closes. Raises `LabError` if it may not run."""
        if refused := next((value for value in values if isinstance(value, Refused)), None):
            raise refused.error
        examined = any(map(_only_examined, handler.inputs))
        counted = examined or is_endpoint(handler) or handler.concurrency_id in ON_NETWORKS
        refusal = self._rate_exceeded(request) if counted else None
        files = {place: values[place] for place, one in enumerate(handler.inputs) if takes_file(one)}
        if refusal and not any(files.values()):
            raise refusal
        missing = self._consent_missing(handler, request, values)
        given = dict[int, Any]()
        for place, file in files.items():
            needed = None if _only_examined(handler.inputs[place]) else missing
            admit = partial(self._admit, uploads, needed, refusal, until)
            given[place] = [*map(admit, file)] if isinstance(file, list) else admit(file)
        return [given.get(place, value) for place, value in enumerate(values)]

    def _consent_missing(self, handler: BlockFunction, request: gr.Request, values: Sequence[Any]) -> LabError | None:
        """Why files that are no examples may not be used; None if they may. A program confirms consent in each call."""
        if not is_endpoint(handler):
            agreed = str(request.session_hash) in self._consenting
            return None if agreed else ConsentMissing(CONSENT_MISSING)
        given = [value for one, value in zip(handler.inputs, values, strict=True) if _is_consent(one)]
        return None if given == [True] else ConsentMissing(CONSENT_PARAMETER_FALSE)

    def _rate_exceeded(self, request: gr.Request) -> LabError | None:
        limits = settings()
        asking = {
            f"session {request.session_hash}": limits.runs_per_minute,
            f"address {address_of(request)}": limits.runs_per_minute_address,
        }
        for who, most in asking.items():
            if seconds := self._runs.wait(who, most):
                return TooManyRuns(f"the limit is {most} runs per minute; try again in {seconds:.0f} seconds")
        return None

    def _admit(
        self,
        uploads: UploadFolder,
        consent_missing: LabError | None,
        refusal: LabError | None,
        until: ExitStack,
        value: Any,
    ) -> Upload:
        """One file: a private path for the handler, or `Withheld` with the reason."""
        if not value or isinstance(value, Withheld):
            return value or None
        if refusal:
            return Withheld(refusal)
        if isinstance(value, NamedExample):
            return {"path": str(value.path)}
        try:
            named = uploads.named(value)
            path = uploads.take(named, until)
        except MissingFile as error:
            return Withheld(error)
        example = uploads.example(path)
        if consent_missing and not (example or uploads.derived(path)):
            return Withheld(consent_missing)
        if example and example.name == path.name:
            return {"path": str(example)}  # immutable, and the same path for all sessions, so results can be cached
        return {"path": str(path), "upload": str(named)}


def is_endpoint(handler: BlockFunction) -> bool:
    """Whether programs may call it: all other handlers are the page's own."""
    return handler.api_visibility == "public"


def _only_examined(component: Any) -> bool:
    parameter = parameter_of(component)
    return component.elem_id == EXAMINED or (parameter is not None and parameter.examined)


def _is_consent(component: Any) -> bool:
    parameter = parameter_of(component)
    return parameter is not None and parameter.is_consent


def like(function: Callable[..., Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a wrapper, whose first parameter is the request, the signature of `function` that Gradio inspects."""

    def signed(guarded: Callable[..., Any]) -> Callable[..., Any]:
        own = next(iter(inspect.signature(guarded).parameters.values())).replace(name="_request")
        others = inspect.signature(function).parameters.values()
        guarded.__signature__ = inspect.Signature([own, *others])  # type: ignore[attr-defined]
        hints = get_type_hints(function)  # type: ignore[no-untyped-call] # as Gradio resolves them
        guarded.__annotations__ = {**hints, "_request": gr.Request}
        return guarded

    return signed
