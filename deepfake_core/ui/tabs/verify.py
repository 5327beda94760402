"""The Verify tab: any picture or video in, and what it says about its origin, in plain words."""

import html
from typing import TYPE_CHECKING

import gradio as gr

from deepfake_core.deadline import Deadline
from deepfake_core.hub.manifest import manifest
from deepfake_core.settings import settings
from deepfake_core.ui.server.messages import SMALLER
from deepfake_core.ui.server.sessions import EXAMINED
from deepfake_core.ui.server.uploaded import Upload, path_of
from deepfake_core.ui.widgets.errors import Trouble, Update

if TYPE_CHECKING:
    from deepfake_core.provenance.verify import Verification

HINT = "<p>Drop a picture or a video, from here or from anywhere: it is only looked at, and deleted an hour later.</p>"
ABOUT = """
Three marks, each for what the others lose. **Content Credentials** are a signed statement inside the file: who made it,
with what, from what. One changed pixel breaks the signature; saving anew, or a screenshot, takes the statement away.
The **invisible mark**, 32 bits spread over the whole picture, mostly survives saving, compressing and scaling, but not
a crop. The **visible label** survives a screenshot, but can be cut off. So a missing mark proves nothing: most false
pictures carry none. ([Content Credentials, C2PA](https://c2pa.org))
"""


class VerifyTab:
    """A file, and what is found in it."""

    title = "Verify"

    def __init__(self) -> None:
        self.trouble = Trouble()

    def render(self) -> None:
        with gr.Tab(self.title):
            with gr.Row(elem_classes="studio"):
                with gr.Column(scale=4, min_width=300):
                    self.file = gr.File(label="Picture or video", height=180, elem_id=EXAMINED)
                with gr.Column(scale=6, min_width=300):
                    self.trouble.render()
                    self.found = gr.HTML(HINT, elem_id="verify-found")
            with gr.Accordion("What each mark is good for", open=True):
                gr.Markdown(ABOUT)

    def listen(self, page: gr.Blocks) -> None:
        self.file.change(
            self.examine,
            inputs=self.file,
            outputs=[self.found, self.trouble.text, self.trouble.whole],
            preprocess=False,
            trigger_mode="always_last",
            show_progress="minimal",
            show_progress_on=self.found,
            concurrency_id=EXAMINED,  # a lane of its own: full previews do not keep Verify waiting
            concurrency_limit=2,
            api_visibility="private",
        )

    def examine(self, upload: Upload) -> Update:
        """What the file says."""
        try:
            path = path_of(upload)
            if path is None:
                return {self.found: HINT} | self.trouble.clear()
            from deepfake_core.provenance.verify import verify

            deadline = Deadline.after(settings().look_seconds, SMALLER)
            return {self.found: told(verify(path, models=manifest(), deadline=deadline))} | self.trouble.clear()
        except Exception as error:
            return {self.found: HINT} | self.trouble.tell(error)


def told(found: "Verification") -> str:
    """The findings as a page shows them: sentences first, then the particulars."""
    sentences = "".join(f"<p>{html.escape(sentence)}</p>" for sentence in found.sentences)
    rows = "".join(f"<tr><th>{html.escape(name)}</th><td>{html.escape(value)}</td></tr>" for name, value in found.rows)
    return f'{sentences}<table class="particulars"><tbody>{rows}</tbody></table>'
