"""How it works: the network's intermediate results for one driving frame, as pictures."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr

from deepfake_core.deadline import Deadline
from deepfake_core.settings import settings
from deepfake_core.ui.services import Services
from deepfake_core.ui.tabs.animation.form import AnimationForm
from deepfake_core.ui.widgets.errors import ErrorMessage, Update
from deepfake_core.ui.widgets.explained import Explained
from deepfake_core.ui.widgets.inputs import Inputs
from deepfake_core.ui.widgets.model_picker import STARTER_TRAINING
from deepfake_core.ui.wiring import READS_NETWORK

INTRODUCTION = f"""
The network detects **keypoints** in both pictures, and around each one the local **affine motion** from portrait to
driving frame. From these it predicts a dense **deformation** of the whole picture, and an **occlusion map** of the
areas that warping cannot fill and the generator has to inpaint. The published weights learned their keypoints without
supervision; the starter weights were trained with the landmarks of drawn heads. {STARTER_TRAINING}
([First Order Motion Model, Siarohin et al., NeurIPS 2019](https://arxiv.org/abs/2003.00196))
"""

NETWORK = "deepfake_core/networks/fomm.py"
FIGURES = {
    "source": Explained(
        title="1 · Portrait points",
        text="The keypoints that the network detects in the portrait: each is the mean of a heat map. The ellipse is "
        "its Jacobian: a circle that is stretched and turned as the face is there.",
        equation=r"p_k = \sum_z H_k(z) \, z",
        file=NETWORK,
        function="KeypointDetector.read",
    ),
    "driving": Explained(
        title="2 · Driver points",
        text="The same points in the driving frame, each in the same colour as in all pictures. What differs between "
        "the two pictures is the motion.",
        equation=r"T_{S \leftarrow D}(z) \approx T_{S \leftarrow R}(p_k) + J_k (z - T_{D \leftarrow R}(p_k)) "
        r"\quad \text{(4)}",
        file=NETWORK,
        function="sparse_motions",
    ),
    "mask": Explained(
        title="3 · Masks",
        text="Each pixel follows the keypoint of its colour; dark pixels follow none and stay where they are. Look "
        "whether the colours follow the parts of the face.",
        equation=r"\hat{T}(z) = M_0 z + \sum_k M_k \, T^{(k)}_{S \leftarrow D}(z), \quad \sum_k M_k = 1",
        file=NETWORK,
        function="DenseMotion.forward",
    ),
    "deformation": Explained(
        title="4 · Deformation",
        text="A square grid over the portrait, warped by the motion of all pixels. Where it folds or tears, the "
        "portrait does not show what is needed.",
        equation=r"f_w(\xi, \hat{T})(z) = \xi(\hat{T}(z))",
        file=NETWORK,
        function="Generator.deform",
    ),
    "occlusion": Explained(
        title="5 · Occlusion",
        text="White is warped from the portrait; black is painted by the generator. It is dark where a turn of the "
        "head shows what had been hidden.",
        equation=r"\xi' = \hat{O} \odot f_w(\xi, \hat{T}) \quad \text{(5)}",
        file=NETWORK,
        function="Generator.decode",
    ),
    "prediction": Explained(
        title="6 · Result",
        text="The warped and masked features, decoded to a picture. Compare it with the driver: what was moved, and "
        "what was invented?",
        equation=r"\hat{D} = \text{decoder}(\xi')",
        file=NETWORK,
        function="FirstOrderModel.generate",
    ),
}
"""File caption -> what stands around the picture."""


class Inside:
    """The accordion at the bottom of the tab."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.error_message = ErrorMessage()

    def render(self) -> None:
        with gr.Accordion("How it works: look inside the network", open=False, elem_id="inside") as self.accordion:
            gr.Markdown(INTRODUCTION)
            with gr.Row():
                self.moment = gr.Slider(0, 100, 50, step=1, label="Moment of the driving clip, %", scale=3)
                self.start = gr.Button("Look inside", scale=1, min_width=120)
            self.error_message.render()
            with gr.Row(elem_classes="inside-figures"):
                self.pictures = {name: one.render()[1] for name, one in FIGURES.items()}

    def listen(self, inputs: Inputs, crop: gr.Radio) -> None:
        self.inputs = inputs
        event: dict[str, Any] = {
            "outputs": [self.moment, *self.error_message.outputs, *self.pictures.values()],
            "preprocess": False,
            "trigger_mode": "always_last",
            "show_progress_on": list(self.pictures.values()),
            **READS_NETWORK,
            "show_progress": "minimal",
        }
        self.accordion.expand(self.show_liveliest, inputs=inputs.components, **event)
        gr.on([self.start.click, self.moment.release], self.show, inputs=[self.moment, *inputs.components], **event)
        self.error_message.listen(crop)

    def show_liveliest(self, *values: Any) -> Iterator[Update]:
        """Draw the pictures of the frame of largest motion."""
        yield from self.show(None, *values)

    def show(self, moment: float | None, *values: Any) -> Iterator[Update]:
        """Draw the pictures at `moment` percent of the clip; a generator, so that it can be cancelled."""
        try:
            yield from self.drawn(Deadline.after(settings().job_seconds), moment, *values)
        except Exception as error:
            yield self.error_message.show(error)

    def drawn(self, deadline: Deadline, moment: float | None, *values: Any) -> Iterator[Update]:
        """The updates of `show`; raises its errors."""
        from deepfake_core.pipelines.insight import InsightRequest, look_inside

        form = AnimationForm(**self.inputs.named(values))
        share = None if moment is None else round(moment) / 100
        request = InsightRequest(animation=form.request(), output=Path(), moment=share)
        portrait = request.animation
        model = self.services.engine.weights_for("fomm", form.model, portrait.source, portrait.source_crop, deadline)
        with self.services.events(
            "fomm", model, look_inside, request, deadline, sources=form.inputs, files={"output": ""}
        ) as events:
            for event in events:
                pictures = {self.pictures[file.caption]: str(file.path) for file in event.files}
                at: Update = {self.moment: round(100 * event.files[0].facts["moment"])}
                yield self.error_message.clear() | pictures | at
