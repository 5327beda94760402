"""Try to fool it: buttons that change the examined result, and the verdicts before and after side by side."""

from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import gradio as gr
from gradio.blocks import Block

from deepfake_core.deadline import Deadline
from deepfake_core.hub.manifest import manifest
from deepfake_core.provenance.manipulations import MANIPULATIONS
from deepfake_core.settings import settings
from deepfake_core.ui.server.messages import SMALLER
from deepfake_core.ui.server.sessions import EXAMINED
from deepfake_core.ui.server.uploaded import Upload, chosen
from deepfake_core.ui.widgets.errors import ErrorMessage, Update
from deepfake_core.ui.widgets.verdict import explained_html, verdict_html
from deepfake_core.ui.wiring import PRIVATE

ABOUT = """
<h2>Try to fool it</h2>
<p>Change the picture above as people do, and see what its marks say then. This works with unchanged pictures that were
made here: a result of your own, or the example.</p>
"""


class Fooling:
    """The buttons, and original and changed picture with their verdicts."""

    def __init__(self) -> None:
        self.error_message = ErrorMessage()

    def render(self) -> None:
        gr.HTML(ABOUT, elem_classes="fooling")
        with gr.Row(elem_classes="manipulations"):
            self.buttons = {
                how: gr.Button(one.title, size="sm", min_width=140, interactive=False, elem_id=f"fool-{how}")
                for how, one in MANIPULATIONS.items()
            }
        self.error_message.render()
        with gr.Row(visible=False, elem_id="fooling") as self.row:
            self.before, self.verdict_before = self._side("Original", download=False)
            self.after, self.verdict_after = self._side("Changed", download=True)

    def _side(self, label: str, *, download: bool) -> tuple[gr.Image, gr.HTML]:
        with gr.Column(min_width=260):
            verdict = gr.HTML(elem_id=f"verdict-{label.lower()}")
            picture = gr.Image(
                label=label, alt_text=f"{label} picture", interactive=False, height=300,
                buttons=["download"] if download else [], elem_id=f"picture-{label.lower()}", elem_classes="media",
            )  # fmt: skip
        return picture, verdict

    def listen(self, file: gr.File) -> None:
        for how, button in self.buttons.items():
            button.click(
                self._changer(how),
                inputs=file,
                outputs=[*self.sides, *self.error_message.outputs],
                preprocess=False,
                trigger_mode="once",
                concurrency_id=EXAMINED,
                concurrency_limit=2,
                **PRIVATE | {"show_progress": "minimal"},
                show_progress_on=[self.verdict_after, self.row],
            )

    @property
    def sides(self) -> list[Block]:
        return [self.row, self.before, self.verdict_before, self.after, self.verdict_after]

    @property
    def outputs(self) -> list[Block]:
        """The components that `offered` updates."""
        return [*self.sides, *self.buttons.values(), *self.error_message.outputs]

    def offered(self, possible: bool) -> Update:
        """For another file: nothing is changed yet; `possible`: whether it may be."""
        buttons: Update = {button: gr.Button(interactive=possible) for button in self.buttons.values()}
        hidden: Update = {self.row: gr.Row(visible=False), self.before: None, self.after: None}
        return buttons | hidden | {self.verdict_before: "", self.verdict_after: ""} | self.error_message.clear()

    def _changer(self, how: str) -> Callable[[Upload], Iterator[Update]]:
        def change(upload: Upload) -> Iterator[Update]:
            yield from self.change(how, upload)

        return change

    def change(self, how: str, upload: Upload) -> Iterator[Update]:
        """Change the picture; the file exists until the update has been sent."""
        from deepfake_core.pipelines.examining import change

        with TemporaryDirectory(prefix="deepfake-lab-") as folder:
            try:
                path = chosen(upload, "picture")
                deadline = Deadline.after(settings().look_seconds, SMALLER)
                made = change(path, how, Path(folder), manifest(), deadline)
            except Exception as error:
                yield {self.row: gr.Row(visible=False)} | self.error_message.show(error)
                return
            yield self.error_message.clear() | {
                self.row: gr.Row(visible=True),
                self.before: str(path),
                self.verdict_before: verdict_html(made.before),
                self.after: gr.Image(str(made.path), label=f"Changed: {made.path.name}"),
                self.verdict_after: explained_html(made.after, f"{MANIPULATIONS[how].what} {made.why}"),
            }
