"""Fetch named weights: what there is to know first, a licence to accept, and bytes and time left meanwhile."""

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

if TYPE_CHECKING:
    from deepfake_core.hub.downloads import Fetching
    from deepfake_core.hub.pulling import Pulled, Step

OFF = "who runs this app has switched downloads off, so weights can be neither fetched nor removed here"
HOW_TO_ACCEPT = "I accept this licence"


def switched_on() -> bool:
    """Whether visitors may fetch and remove weights."""
    return settings().downloads


def require_switched_on() -> None:
    """Raise `BadRequest` where visitors may not."""
    if not switched_on():
        raise BadRequest(OFF)


def fetchable(one: Entry) -> bool:
    """Whether there is a place from which the app itself can fetch some weights; imports the Hub's client."""
    return not one.file and bool(one.hub or settings().weights_repo)


class Download:
    """A list of weights that are not here, a line about the chosen ones, and the buttons that fetch them."""

    def __init__(self, names: Sequence[str], place: str, use: str) -> None:
        self.entries = {name: one for name, one in manifest().items() if name in names}
        self.place = place
        self.use = use
        """What is said once they are here: how they come to be used."""

    def render(self) -> None:
        on = switched_on()
        gr.HTML(f"<p>{OFF[0].upper()}{OFF[1:]}.</p>", visible=not on, elem_classes="quiet")
        self.over = gr.State(False)  # whether the download came to its own end, well or badly
        with gr.Column(visible=on) as self.column:
            self.name = gr.Dropdown([], label="Weights to fetch", elem_id=f"{self.place}fetch", filterable=False)
            self.about = gr.HTML("Looking what can be fetched …", elem_classes="quiet facts")
            self.accepted = gr.Checkbox(
                False, label=HOW_TO_ACCEPT, visible=False, elem_id=f"{self.place}accept", container=False
            )
            with gr.Row(elem_classes="buttons"):
                self.start = gr.Button("Download", scale=3, min_width=140, elem_id=f"{self.place}fetch-start")
                self.stop = gr.Button(
                    "Stop", interactive=False, scale=1, min_width=90, elem_id=f"{self.place}fetch-stop"
                )
        self.said = gr.HTML("", elem_id=f"{self.place}fetch-said", elem_classes="progress")

    def listen(self) -> Any:
        """Returns the trigger that a download is over, however it ended."""
        quick: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
        self.name.input(self.tell, inputs=self.name, outputs=[self.about, self.accepted], preprocess=False, **quick)
        begun = self.start.click(self._begin, outputs=[self.start, self.stop, self.over, self.said], **quick)
        run = begun.then(
            self.fetch,
            inputs=[self.name, self.accepted],
            outputs=[self.over, self.said],
            preprocess=False,
            show_progress="hidden",
            concurrency_id="download",  # one for the whole page: the line and the disk are everybody's
            concurrency_limit=1,
            api_visibility="private",
        )
        ended = run.then(self._end, inputs=self.over, outputs=[self.start, self.stop, self.said], **quick)
        self.stop.click(lambda: state("Stopping …"), outputs=self.said, cancels=run, **quick)
        return ended.then

    @property
    def offered(self) -> list[Any]:
        """The components that `offer` changes."""
        return [self.column, self.name, self.about, self.accepted]

    def offer(self, chosen: Any) -> Update:
        """List what can be fetched and is not here; what is chosen stays so; imports torch."""
        from deepfake_core.hub.store import find

        names = [name for name, one in self.entries.items() if fetchable(one) and find(name) is None]
        if not names:
            return {self.column: gr.Column(visible=False)}
        name = chosen if chosen in names else names[0]
        shown: Update = {
            self.column: gr.Column(visible=switched_on()),
            self.name: gr.Dropdown(choices=names, value=name),
        }
        return shown if name == chosen else shown | self.tell(name)  # lest a tick be lost for nothing

    def tell(self, name: Any) -> Update:
        """What there is to know of some weights; a licence that forbids commercial use has to be accepted anew."""
        one = self._entry(name)
        accepted = gr.Checkbox(False, visible=one is not None and one.non_commercial)
        return {self.about: facts(one) if one else "", self.accepted: accepted}

    def fetch(self, name: Any, accepted: Any) -> Iterator[Update]:
        """Walk through a pull and show its steps. Stop closes this generator at its `yield`, and with it the pull."""
        try:
            require_switched_on()
            if self._entry(name) is None:
                raise BadRequest("no such weights can be fetched here; choose some from the list")
            from deepfake_core.hub.pulling import Pulled, pull

            yield {self.said: state("Asking the source …")}
            with closing(in_one_thread(pull(name, accept_licence=accepted is True))) as steps:  # type: ignore[type-var]
                for step in steps:
                    yield self._done(step) if isinstance(step, Pulled) else {self.said: words(step)}
        except Exception as error:
            yield {self.over: True, self.said: alert(error)}

    def _entry(self, name: Any) -> Entry | None:
        """The name comes from a visitor: it must be one of this part's, and never a path."""
        return self.entries.get(name) if isinstance(name, str) else None

    def _begin(self) -> Update:
        return self._enabled(running=True) | {self.over: False, self.said: state("Waiting for its turn …")}

    def _done(self, pulled: "Pulled") -> Update:
        notes = "".join(f"<li>{html.escape(note)}</li>" for note in pulled.notes)
        text = f"Done: {html.escape(pulled.name)} is on this machine; {self.use}."
        return {self.over: True, self.said: f'{state(text)}<ul class="quiet">{notes}</ul>'}

    def _end(self, over: bool) -> Update:
        stopped = {} if over else {self.said: state("Stopped. Nothing was kept.")}
        return self._enabled(running=False) | stopped

    def _enabled(self, *, running: bool) -> Update:
        return {self.start: gr.Button(interactive=not running), self.stop: gr.Button(interactive=running)}


def in_one_thread(steps: "Iterator[Step]") -> "Iterator[Step]":
    """The same steps, every one of them asked for by one thread.

    A pull holds a file lock, which only the thread that took it can let go; Gradio asks for each step from any thread.
    """
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="pull") as alone:
        try:
            while (step := alone.submit(next, steps, None).result()) is not None:
                yield step
        finally:
            alone.submit(steps.close).result()  # type: ignore[attr-defined] # a generator


def facts(one: Entry) -> str:
    """What there is to know of some weights before they are fetched."""
    mirror = settings().weights_repo
    lines = {
        "For": one.about,
        "Size": size(one.bytes),
        "Licence": one.licence,
        "Source": f"the mirror {mirror}, or {one.source}" if mirror else one.source,
    }
    return "".join(f"<p><strong>{title}:</strong> {html.escape(text)}</p>" for title, text in lines.items())


def size(number: int | None) -> str:
    """Bytes as a person says them."""
    return f"{number / 1e6:.1f} MB" if number else "not known"


def words(step: "Step") -> str:
    """A line about a step on the way, with a bar where bytes arrive."""
    from deepfake_core.hub.downloads import Fetching
    from deepfake_core.hub.pulling import Waiting

    if isinstance(step, Fetching):
        return bytes_bar(step)
    waiting = isinstance(step, Waiting)
    return state("Another process fetches it already; waiting …" if waiting else "Here; checking and converting …")


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
    """What went wrong, in one sentence; the trace goes to the log."""
    return f'<div class="trouble">{messages.alert(error)}</div>'
