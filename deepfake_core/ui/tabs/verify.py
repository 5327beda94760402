"""The Verify tab: what a picture or video says about its origin."""

import html
from typing import TYPE_CHECKING

import gradio as gr

from deepfake_core.deadline import Deadline
from deepfake_core.hub.manifest import manifest
from deepfake_core.settings import settings
from deepfake_core.ui.server.messages import SMALLER
from deepfake_core.ui.server.sessions import EXAMINED
from deepfake_core.ui.server.uploaded import Upload, path_of
from deepfake_core.ui.widgets.errors import ErrorMessage, Update

if TYPE_CHECKING:
    from deepfake_core.provenance.verify import Verification

HINT = "<p>Drop a picture or video of any origin here. It is only analysed, and deleted an hour later.</p>"
ABOUT = """
Results carry three marks, which complement each other. **Content Credentials** are a signed statement in the file: who
made it, with which model and from which inputs. One changed pixel invalidates the signature; re-encoding or a
screenshot removes it. The **invisible watermark**, 32 bits spread over the whole picture, usually survives re-encoding,
compression and scaling, but not cropping. The **visible label** survives a screenshot, but can be cropped off. A
missing mark therefore proves nothing: most fakes carry none. ([Content Credentials, C2PA](https://c2pa.org))
"""


class VerifyTab:
    """A file and its verification."""

    title = "Verify"

    def __init__(self) -> None:
        self.error_message = ErrorMessage()

    def render(self) -> None:
        with gr.Tab(self.title):
            with gr.Row(elem_classes="studio"):
                with gr.Column(scale=4, min_width=300):
                    self.file = gr.File(label="Picture or video", height=180, elem_id=EXAMINED)
                with gr.Column(scale=6, min_width=300):
                    self.error_message.render()
                    self.found = gr.HTML(HINT, elem_id="verify-found")
            with gr.Accordion("What each mark proves", open=True):
                gr.Markdown(ABOUT)

    def listen(self, page: gr.Blocks) -> None:
        self.file.change(
            self.examine,
            inputs=self.file,
            outputs=[self.found, *self.error_message.outputs],
            preprocess=False,
            trigger_mode="always_last",
            show_progress="minimal",
            show_progress_on=self.found,
            concurrency_id=EXAMINED,  # a queue of its own: Verify does not wait for previews
            concurrency_limit=2,
            api_visibility="private",
        )

    def examine(self, upload: Upload) -> Update:
        """Verify the file."""
        try:
            path = path_of(upload)
            if path is None:
                return {self.found: HINT} | self.error_message.clear()
            from deepfake_core.provenance.verify import verify

            deadline = Deadline.after(settings().look_seconds, SMALLER)
            return {
                self.found: verification_html(verify(path, models=manifest(), deadline=deadline))
            } | self.error_message.clear()
        except Exception as error:
            return {self.found: HINT} | self.error_message.show(error)


def verification_html(found: "Verification") -> str:
    """The verification as HTML: sentences first, then a table of details."""
    sentences = "".join(f"<p>{html.escape(sentence)}</p>" for sentence in found.sentences)
    rows = "".join(f"<tr><th>{html.escape(name)}</th><td>{html.escape(value)}</td></tr>" for name, value in found.rows)
    return f'{sentences}<table class="particulars"><tbody>{rows}</tbody></table>'
