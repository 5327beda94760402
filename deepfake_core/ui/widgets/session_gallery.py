"""Your results: what this session has made, to be made again, used as a portrait, or verified."""

import html
import itertools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.blocks import Block
from gradio.context import LocalContext
from gradio.processing_utils import save_file_to_cache

from deepfake_core.errors import LabError, MissingFile
from deepfake_core.ui.server.messages import sentence
from deepfake_core.ui.server.session_results import MAX_RESULTS, SessionResult, SessionResults
from deepfake_core.ui.widgets.address import slug_of
from deepfake_core.ui.widgets.errors import Update
from deepfake_core.ui.widgets.run_controls import Job, Keep
from deepfake_core.ui.widgets.stage import Done, count
from deepfake_core.ui.wiring import FINDS_REMEMBERED, QUIET

NUMBERS = [str(number) for number in range(1, MAX_RESULTS + 1)]
OPEN_TAB = """() => {
    const slug = document.querySelector("#your-results-next [data-tab]")?.dataset.tab;
    const tab = [...document.querySelectorAll("[role=tab]")].find(one => one.dataset.tabId === slug);
    if (tab) { tab.click(); window.scrollTo({ top: 0 }); }
}"""
NO_PORTRAIT = "a video cannot be a portrait; choose a picture"


class SessionGallery:
    """The accordion below the tabs."""

    def __init__(self, results: SessionResults) -> None:
        self.results = results
        self.ended: list[Any] = []
        self._starts: dict[int, gr.State] = {}
        self._jobs = itertools.count(1)
        self._clicks = itertools.count(1)

    def keeper(self, tab: str) -> "TabKeeper":
        """The keeper of a tab with this title."""
        return TabKeeper(self, tab)

    def render(self) -> None:
        with gr.Accordion("Your results", open=False, visible=False, elem_id="your-results") as self.accordion:
            with gr.Row(elem_classes="cards"):
                self.pictures = [self._card(gr.Image, number) for number in NUMBERS]
                self.videos = [self._card(gr.Video, number) for number in NUMBERS]
            self.number = gr.Radio(NUMBERS, value="1", label="Result", elem_id="your-results-number")
            with gr.Row(elem_classes="buttons"):
                self.again = gr.Button("Make it again", elem_id="your-results-again", min_width=120)
                self.as_portrait = gr.Button("Use as portrait", elem_id="your-results-portrait", min_width=120)
                self.verify = gr.Button("Verify this", elem_id="your-results-verify", min_width=120)
            self.next = gr.HTML("", elem_id="your-results-next", elem_classes="quiet")

    @staticmethod
    def _card(kind: type[gr.Image] | type[gr.Video], number: str) -> Any:
        return kind(
            label=number, interactive=False, visible=False, min_width=100, buttons=["download"], elem_classes="media"
        )

    @property
    def outputs(self) -> list[Block]:
        return [self.accordion, self.number, *self.pictures, *self.videos]

    def listen(self, page: gr.Blocks, *, portrait: gr.Image, portrait_tab: str, file: gr.File, file_tab: str) -> None:
        """`portrait` and `file`: the inputs that a result is put into, and the titles of their tabs."""
        for ended in self.ended:
            ended(self.refresh, outputs=self.outputs, **QUIET)
        page.unload(self.forget)
        starts = list(self._starts.values())
        for button, chosen, outputs in (
            (self.again, self._start, starts),
            (self.as_portrait, self._puts(portrait, portrait_tab, only_pictures=True), [portrait]),
            (self.verify, self._puts(file, file_tab), [file]),
        ):
            button.click(chosen, inputs=self.number, outputs=[*outputs, self.next], **FINDS_REMEMBERED).success(
                None, js=OPEN_TAB
            )

    def refresh(self) -> Update:
        """Show the session's results, the newest first."""
        found = self.results.of(session())
        choices = [(f"{number}: {one.path.stem}", number) for number, one in zip(NUMBERS, found, strict=False)]
        shown: Update = {
            self.accordion: gr.Accordion(label=f"Your results: {count(len(found), 'result')}", visible=bool(found)),
            self.number: gr.Radio(choices=choices, value="1"),
        }
        for place, (picture, video) in enumerate(zip(self.pictures, self.videos, strict=True)):
            one = found[place] if place < len(found) else None
            for card, kind, fits in ((picture, gr.Image, True), (video, gr.Video, False)):
                if one is None or one.is_picture != fits:
                    shown[card] = kind(None, visible=False)
                    continue
                label = f"{place + 1}: {one.path.stem}"
                described: dict[str, Any] = {"alt_text": label} if fits else {}
                shown[card] = kind(str(one.path), label=label, visible=True, **described)
        return shown

    def forget(self, request: gr.Request) -> None:
        """Remove what is known of a closed session; its files go with the page's others."""
        self.results.forget(str(request.session_hash))

    def _chosen(self, number: str) -> SessionResult:
        found = self.results.of(session())
        if not 1 <= int(number) <= len(found):
            raise MissingFile("there is no such result any more; choose another one")
        return found[int(number) - 1]

    def _start(self, number: str) -> Update:
        """Have the result's job set its inputs and run."""
        one = in_words(lambda: self.results.pick(session(), self._chosen(number)))
        return {self._starts[one.job]: next(self._clicks), self.next: _next("Making it again", one.tab)}

    def _puts(self, file: Block, tab: str, *, only_pictures: bool = False) -> Callable[[str], Update]:
        def put(number: str) -> Update:
            one = in_words(lambda: self._chosen(number))
            if only_pictures and not one.is_picture:
                raise gr.Error(f"{NO_PORTRAIT[0].upper()}{NO_PORTRAIT[1:]}.", print_exception=False)
            return {file: str(one.path), self.next: _next(f"{one.path.stem} is used", tab)}

        return put


class TabKeeper:
    """Keeps the results of one tab."""

    def __init__(self, gallery: SessionGallery, tab: str) -> None:
        self.gallery, self.tab = gallery, tab
        self.ended = gallery.ended
        self._numbers: dict[int, int] = {}

    def keeping(self, job: Job) -> Keep:
        number = self._number(job)

        def keep(values: Sequence[Any], done: Any) -> None:
            if not isinstance(done, Done) or not done.made_from or not session():
                return
            for path in done.paths:
                kept = Path(save_file_to_cache(path, cache_dir=self.gallery.number.GRADIO_CACHE))
                result = SessionResult(
                    path=kept, made_from=done.made_from, tab=self.tab, job=number, values=tuple(values)
                )
                self.gallery.results.add(session(), result)

        return keep

    def restored(self, job: Job) -> Any:
        number = self._number(job)
        start = self.gallery._starts[number] = gr.State(0)

        def restore() -> dict[Any, Any]:
            values = in_words(lambda: self.gallery.results.picked(session(), number).restored())
            return dict(zip(job.inputs, values, strict=True))

        return start.change(restore, outputs=list(job.inputs), **FINDS_REMEMBERED).success

    def _number(self, job: Job) -> int:
        return self._numbers.setdefault(id(job), next(self.gallery._jobs))


def session() -> str:
    """The session whose handler is running; empty without a server."""
    request: Any = LocalContext.request.get(None)
    return str(request.session_hash) if request and request.session_hash else ""


def in_words(find: Callable[[], Any]) -> Any:
    """The value of `find()`; its error is shown as a message of the page."""
    try:
        return find()
    except LabError as error:
        raise gr.Error(sentence(error), print_exception=False) from error


def _next(what: str, tab: str) -> str:
    return f'<p data-tab="{slug_of(tab)}">{html.escape(what)} in {html.escape(tab)}.</p>'
