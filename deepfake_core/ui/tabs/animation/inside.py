"""How it works: the network's insides for the chosen portrait and one moment of the driving clip, as pictures."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import gradio as gr

from deepfake_core.deadline import Deadline
from deepfake_core.settings import settings
from deepfake_core.ui.server.inference import Engine
from deepfake_core.ui.tabs.animation.form import AnimationForm
from deepfake_core.ui.widgets.errors import Trouble, Update
from deepfake_core.ui.widgets.inputs import Inputs

INTRODUCTION = """
The network finds a few **keypoints** in both pictures, and around each one the local **affine motion** from portrait
to driving frame. From these it builds one **deformation** of the whole picture, and a map of the places that the
deformation cannot fill: there it paints anew. With the published weights nobody told it what a keypoint is: it chose
what is useful to track. The small starter weights were shown the landmarks of drawn heads at first, to learn quickly.
([First Order Motion Model, Siarohin et al., NeurIPS 2019](https://arxiv.org/abs/2003.00196))
"""

CAPTIONS = {
    "source": ("1 · Portrait points", "Where the network looks: what it tracks from picture to picture."),
    "driving": ("2 · Driver points", "The same keypoint has the same colour in all pictures."),
    "mask": ("3 · Masks", "Each pixel follows the keypoint of its colour; dark follows none."),
    "deformation": ("4 · Deformation", "A square grid drawn over the portrait, carried along by the motion."),
    "occlusion": ("5 · Occlusion", "White is carried over from the portrait, black is painted anew."),
    "prediction": ("6 · Result", "Warped, masked and completed by the generator."),
}
"""Title and explanation of each picture, by the caption of its file."""


class Inside:
    """The accordion at the foot of the tab."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.trouble = Trouble()

    def render(self) -> None:
        with gr.Accordion("How it works: look inside the network", open=False, elem_id="inside") as self.accordion:
            gr.Markdown(INTRODUCTION)
            with gr.Row():
                self.moment = gr.Slider(0, 100, 50, step=1, label="Moment of the driving clip, %", scale=3)
                self.look = gr.Button("Look inside", scale=1, min_width=120)
            self.trouble.render()
            with gr.Row(elem_classes="insights"):
                self.pictures = {name: _picture(*caption) for name, caption in CAPTIONS.items()}

    def listen(self, inputs: Inputs, crop: gr.Radio) -> None:
        self.inputs = inputs
        gr.on(
            [self.accordion.expand, self.look.click, self.moment.release],
            self.show,
            inputs=[self.moment, *inputs.components],
            outputs=[self.trouble.text, self.trouble.whole, *self.pictures.values()],
            preprocess=False,
            trigger_mode="always_last",
            show_progress="minimal",
            show_progress_on=list(self.pictures.values()),
            concurrency_id="model",
            concurrency_limit=1,
            api_visibility="private",
        )
        self.trouble.listen(crop)

    def show(self, moment: float, *values: Any) -> Iterator[Update]:
        """Draw the pictures; a generator, so that it can be cancelled."""
        try:
            from deepfake_core.pipelines.insight import InsightRequest, look_inside

            deadline = Deadline.after(settings().job_seconds)
            with TemporaryDirectory(prefix="deepfake-lab-") as name:
                folder, form = Path(name), AnimationForm(**self.inputs.named(values))
                request = InsightRequest(animation=form.request(folder), output=folder, moment=moment / 100)
                for event in self.engine.work("fomm", None, look_inside, request, deadline):
                    pictures = {self.pictures[file.caption]: str(file.path) for file in event.files}
                    yield self.trouble.clear() | pictures
        except Exception as error:
            yield self.trouble.tell(error)


def _picture(title: str, explanation: str) -> gr.Image:
    with gr.Column(min_width=130):
        picture = gr.Image(
            label=title,
            alt_text=f"{title}. {explanation}",
            interactive=False,
            buttons=["fullscreen"],
            elem_classes="media natural",
        )
        gr.HTML(explanation, elem_classes="quiet")
    return picture
