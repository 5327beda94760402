"""Download weights by name: facts, a licence to accept, and a progress bar."""

import html
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING, Any

import gradio as gr

from deepfake_core.errors import BadRequest
from deepfake_core.hub.manifest import Entry, manifest
from deepfake_core.settings import settings
from deepfake_core.ui.server import messages
from deepfake_core.ui.widgets.errors import Update
from deepfake_core.ui.widgets.stage import state
from deepfake_core.ui.wiring import PRIVATE, QUIET

if TYPE_CHECKING:
    from deepfake_core.hub.downloads import Fetching
    from deepfake_core.hub.pulling import Pulled, Step

OFF = "downloads are switched off on this server, so weights can be neither downloaded nor removed here"
HOW_TO_ACCEPT = "I accept this licence"


def switched_on() -> bool:
    """Whether visitors may download and remove weights."""
    return settings().downloads


def require_switched_on() -> None:
    """Raise `BadRequest` if downloads are switched off."""
    if not switched_on():
        raise BadRequest(OFF)


def fetchable(one: Entry) -> bool:
    """Whether the app itself can download these weights."""
    return not one.file and bool(one.sources or settings().weights_repo)


class Download:
    """A list of missing weights, facts about the selected ones, and the Download and Stop buttons."""

    def __init__(self, names: Sequence[str], prefix: str, use: str) -> None:
        self.entries = {name: one for name, one in manifest().items() if name in names}
        self.prefix = prefix
        self.use = use
        """Shown after a download: how the weights are used."""

    def render(self) -> None:
        on = switched_on()
        gr.HTML(f"<p>{OFF[0].upper()}{OFF[1:]}.</p>", visible=not on, elem_classes="quiet")
        self.over = gr.State(False)  # whether the download ended by itself; a stopped one did not
        with gr.Column(visible=on) as self.column:
            self.name = gr.Dropdown([], label="Weights to download", elem_id=f"{self.prefix}fetch", filterable=False)
            self.about = gr.HTML("Looking for missing weights …", elem_classes="quiet facts")
            self.accepted = gr.Checkbox(
                False, label=HOW_TO_ACCEPT, visible=False, elem_id=f"{self.prefix}accept", container=False
            )
            with gr.Row(elem_classes="buttons"):
                self.start = gr.Button("Download", scale=3, min_width=140, elem_id=f"{self.prefix}fetch-start")
                self.stop = gr.Button(
                    "Stop", interactive=False, scale=1, min_width=90, elem_id=f"{self.prefix}fetch-stop"
                )
        self.status = gr.HTML("", elem_id=f"{self.prefix}fetch-said", elem_classes="progress")

    def listen(self) -> Any:
        """Returns the trigger that fires when a download has ended, for whatever reason."""
        self.name.input(self.describe, inputs=self.name, outputs=[self.about, self.accepted], preprocess=False, **QUIET)
        begun = self.start.click(self._begin, outputs=[self.start, self.stop, self.over, self.status], **QUIET)
        run = begun.then(
            self.fetch,
            inputs=[self.name, self.accepted],
            outputs=[self.over, self.status],
            preprocess=False,
            concurrency_id="download",  # one at a time: all sessions share the connection and the disk
            concurrency_limit=1,
            **PRIVATE,
        )
        ended = run.then(self._end, inputs=self.over, outputs=[self.start, self.stop, self.status], **QUIET)
        self.stop.click(lambda: state("Stopping …"), outputs=self.status, cancels=run, **QUIET)
        return ended.then

    @property
    def offered(self) -> list[Any]:
        """The components that `offer` updates."""
        return [self.column, self.name, self.about, self.accepted]

    def offer(self, chosen: Any) -> Update:
        """List the missing weights that can be downloaded; keeps the selection. Imports torch."""
        from deepfake_core.hub.store import find

        names = [name for name, one in self.entries.items() if fetchable(one) and find(name) is None]
        if not names:
            return {self.column: gr.Column(visible=False)}
        name = chosen if chosen in names else names[0]
        shown: Update = {
            self.column: gr.Column(visible=switched_on()),
            self.name: gr.Dropdown(choices=[(label(self.entries[one]), one) for one in names], value=name),
        }
        return shown if name == chosen else shown | self.describe(name)  # keeps an accepted licence

    def describe(self, name: Any) -> Update:
        """Facts about the selected weights; a non-commercial licence has to be accepted for each of them."""
        one = self._entry(name)
        accepted = gr.Checkbox(False, visible=one is not None and one.non_commercial)
        return {self.about: facts(one) if one else "", self.accepted: accepted}

    def fetch(self, name: Any, accepted: Any) -> Iterator[Update]:
        """Pull the weights and show the progress. Stop closes this generator at its `yield`, and thereby the pull."""
        try:
            require_switched_on()
            if self._entry(name) is None:
                raise BadRequest("these weights cannot be downloaded here; choose some from the list")
            from deepfake_core.hub.pulling import Pulled, pull

            yield {self.status: state("Contacting the source …")}
            with closing(in_one_thread(pull(name, accept_licence=accepted is True))) as steps:  # type: ignore[type-var]
                for step in steps:
                    yield self._done(step) if isinstance(step, Pulled) else {self.status: step_line(step)}
        except Exception as error:
            yield {self.over: True, self.status: alert(error)}

    def _entry(self, name: Any) -> Entry | None:
        """The entry of a name sent by the browser, which must be in this list and never a path."""
        return self.entries.get(name) if isinstance(name, str) else None

    def _begin(self) -> Update:
        return self._enabled(running=True) | {self.over: False, self.status: state("Waiting for another download …")}

    def _done(self, pulled: "Pulled") -> Update:
        notes = "".join(f"<li>{html.escape(note)}</li>" for note in pulled.notes)
        text = f"Done: {html.escape(self.entries[pulled.name].title)} is installed; {self.use}."
        return {self.over: True, self.status: f'{state(text)}<ul class="quiet">{notes}</ul>'}

    def _end(self, over: bool) -> Update:
        stopped = {} if over else {self.status: state("Stopped. The next download of these weights continues here.")}
        return self._enabled(running=False) | stopped

    def _enabled(self, *, running: bool) -> Update:
        return {self.start: gr.Button(interactive=not running), self.stop: gr.Button(interactive=running)}


def in_one_thread(steps: "Iterator[Step]") -> "Iterator[Step]":
    """The same steps, all requested from one thread.

    A pull holds a file lock, which only the thread that acquired it can release; Gradio calls from any thread.
    """
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="pull") as executor:
        try:
            while (step := executor.submit(next, steps, None).result()) is not None:
                yield step
        finally:
            executor.submit(steps.close).result()  # type: ignore[attr-defined] # a generator


def label(one: Entry) -> str:
    """How a list names weights: "Zebra to horse, photographs · 45.6 MB"."""
    return f"{one.title} · {size(one.bytes)}" if one.bytes else one.title


def facts(one: Entry) -> str:
    """Purpose, size, licence and the first source of weights, as HTML."""
    mirror, places = settings().weights_repo, [*linked_places(one)]
    if mirror:
        places.insert(0, f"the mirror {html.escape(mirror)}")
    others = f"; {len(places) - 1} more in the Weights tab" if len(places) > 1 else ""
    lines = {
        "For": html.escape(one.about),
        "Size": size(one.bytes),
        "Licence": html.escape(one.licence),
        "Source": places[0] + others if places else html.escape(one.source),
    }
    return "".join(f"<p><strong>{title}:</strong> {text}</p>" for title, text in lines.items())


def linked_places(one: Entry) -> Iterator[str]:
    """Where weights can be had, each a link as HTML."""
    for text, address in one.places.items():
        link = f'href="{html.escape(address)}" target="_blank" rel="noopener noreferrer"'
        yield f"<a {link}>{html.escape(text)}</a>"


def size(number: int | None) -> str:
    """Bytes in MB."""
    return f"{number / 1e6:.1f} MB" if number else "unknown"


def step_line(step: "Step") -> str:
    """The status line of a step, with a progress bar during the transfer."""
    from deepfake_core.hub.downloads import Fetching
    from deepfake_core.hub.obtaining import SourceFailed
    from deepfake_core.hub.pulling import Waiting

    if isinstance(step, Fetching):
        return bytes_bar(step)
    if isinstance(step, SourceFailed):
        return state(f"{html.escape(step.place)} failed; trying the next source …")
    waiting = isinstance(step, Waiting)
    return state(
        "Another process is already downloading it; waiting …" if waiting else "Downloaded; checking and converting …"
    )


def bytes_bar(step: "Fetching") -> str:
    """A progress bar and a line such as "latest_net_G.pth · 12.3 of 45.6 MB · 2.1 MB/s · 16 s left"."""
    name, done = html.escape(step.file), f"{step.done / 1e6:.1f}"
    parts = [name, f"{done} of {step.total / 1e6:.1f} MB" if step.total else f"{done} MB"]
    if step.rate > 0:
        parts.append(f"{step.rate / 1e6:.1f} MB/s")
    if (left := step.seconds_left) is not None:
        parts.append(f"{left:.0f} s left" if left < 90 else f"{left / 60:.0f} min left")
    span = f'value="{min(step.done, step.total)}" max="{step.total}"' if step.total else ""
    return f'<progress {span} aria-label="Bytes of {name}"></progress><p class="state">{" · ".join(parts)}</p>'


def alert(error: Exception) -> str:
    """An error message as HTML; the traceback goes to the log."""
    return f'<div class="error-message">{messages.alert(error)}</div>'
