"""The Verify tab: what a picture or video says about its origin."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import gradio as gr

from deepfake_core.deadline import Deadline
from deepfake_core.errors import LabError
from deepfake_core.hub.manifest import manifest
from deepfake_core.settings import settings
from deepfake_core.ui.server.messages import SMALLER
from deepfake_core.ui.server.sessions import EXAMINED
from deepfake_core.ui.server.uploaded import Upload, path_of
from deepfake_core.ui.services import Services
from deepfake_core.ui.tabs.verify.fooling import Fooling
from deepfake_core.ui.widgets.errors import ErrorMessage, Update
from deepfake_core.ui.widgets.verdict import particulars_html, verdict_html
from deepfake_core.ui.wiring import ON_NETWORK, PRIVATE

if TYPE_CHECKING:
    from deepfake_core.pipelines.examining import Examination

HINT = (
    "<p>Choose any picture or video to see what it says about its origin: one of your results, one from the web, or "
    "the example. It is only looked at, and deleted an hour later.</p>"
)
ABOUT = """
Results carry three marks, which complement each other. **Content Credentials** are a signed statement in the file: who
made it, with which model and from which inputs. One changed pixel invalidates the signature; re-encoding or a
screenshot removes it. The **invisible watermark**, 32 bits spread over the whole picture, usually survives re-encoding,
compression and scaling, but not cropping. The **visible label** survives a screenshot, but can be cropped off. A
missing mark therefore proves nothing: most fakes carry none. ([Content Credentials, C2PA](https://c2pa.org))
"""
STARTER, CHANGE = "stargan-starter", "Blond_Hair"
"""The example is a drawn portrait, edited by the weights that come with the app."""


class VerifyTab:
    """A file, the verdict on it, and ways to change it."""

    title = "Verify"

    def __init__(self, services: Services) -> None:
        self.services = services
        self.error_message = ErrorMessage()
        self.fooling = Fooling()

    def render(self) -> None:
        with gr.Tab(self.title):
            with gr.Row(elem_classes="studio"):
                with gr.Column(scale=4, min_width=300):
                    self.file = gr.File(label="Picture or video", height=140, elem_id=EXAMINED)
                    self.example = gr.Button("Use an example result", elem_id="verify-example")
                    self.nothing = gr.State(None)
                    self.picture = gr.Image(
                        label="What it shows", alt_text="The examined picture, or the first frame of the clip",
                        interactive=False, buttons=[], visible=False, height=300, elem_id="verify-picture",
                        elem_classes="media",
                    )  # fmt: skip
                with gr.Column(scale=6, min_width=300):
                    self.error_message.render()
                    self.verdict = gr.HTML(HINT, elem_id="verify-verdict")
                    self.found = gr.HTML("", elem_id="verify-found")
            self.fooling.render()
            with gr.Accordion("What each mark proves", open=False):
                gr.Markdown(ABOUT)

    def listen(self, page: gr.Blocks) -> None:
        self.file.change(
            self.examine,
            inputs=self.file,
            outputs=[self.verdict, self.found, self.picture, *self.error_message.outputs, *self.fooling.outputs],
            preprocess=False,
            trigger_mode="always_last",
            show_progress_on=self.verdict,
            concurrency_id=EXAMINED,  # a queue of its own: Verify does not wait for previews
            concurrency_limit=2,
            **PRIVATE | {"show_progress": "minimal"},
        )
        self.fooling.listen(self.file)
        self.example.click(
            self.make_example,
            inputs=self.nothing,  # so that the limits on runs apply
            outputs=[self.file, *self.error_message.outputs],
            preprocess=False,
            **ON_NETWORK | {"show_progress": "minimal"},
            show_progress_on=self.file,
        )

    def examine(self, upload: Upload) -> Iterator[Update]:
        """Verify the file; what is shown of it exists until the update has been sent."""
        with TemporaryDirectory(prefix="deepfake-lab-") as folder:
            try:
                path = path_of(upload)
                if path is None:
                    yield self._blank(HINT) | self.error_message.clear()
                    return
                from deepfake_core.pipelines.examining import examine

                deadline = Deadline.after(settings().look_seconds, SMALLER)
                seen = examine(path, Path(folder), manifest(), deadline)
            except Exception as error:
                yield self._blank("") | self.error_message.show(error)
                return
            yield self._shown(seen) | self.error_message.clear()

    def make_example(self, _: None) -> Iterator[Update]:
        """Edit an example portrait, or use the cached result, and put it in the place of the file."""
        try:
            from deepfake_core.pipelines.attributes import AttributesRequest, edit
            from deepfake_core.pipelines.events import Finished

            if not self.services.examples.portraits:
                raise LabError("there is no example portrait on this server; choose a file of your own")
            portrait = self.services.examples.portraits[0]
            request = AttributesRequest(sources=(portrait,), changes={CHANGE: True})
            deadline = Deadline.after(settings().job_seconds)
            with self.services.events(
                "stargan",
                STARTER,
                edit,
                request,
                deadline,
                sources=(portrait,),
                files={"output": f"{portrait.stem}-blond.png"},
            ) as events:
                for event in events:
                    results = [file.path for file in event.files if file.role == "result"]
                    if results and not isinstance(event, Finished):  # to the end, so that the run is cached
                        yield {self.file: str(results[0])} | self.error_message.clear()
        except Exception as error:
            yield {self.file: None} | self.error_message.show(error)

    def _blank(self, hint: str) -> Update:
        away: Update = {self.picture: gr.Image(None, visible=False), self.verdict: hint, self.found: ""}
        return away | self.fooling.offered(False)

    def _shown(self, seen: "Examination") -> Update:
        picture = gr.Image(str(seen.picture) if seen.picture else None, visible=seen.picture is not None)
        return self.fooling.offered(seen.can_be_changed) | {
            self.picture: picture,
            self.verdict: verdict_html(seen.verdict),
            self.found: particulars_html(seen.verdict, seen.found.rows),
        }
