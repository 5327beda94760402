"""Drive by hand: sliders turn the portrait's head and move its mouth, without a driving clip."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import gradio as gr

from deepfake_core.deadline import Deadline
from deepfake_core.pipelines.controls import LIMITS, REST, Controls, in_words, poses_of
from deepfake_core.settings import settings
from deepfake_core.ui.server.inference import Engine
from deepfake_core.ui.server.uploaded import chosen
from deepfake_core.ui.tabs.animation.form import crop_of
from deepfake_core.ui.widgets.errors import ErrorMessage, Update
from deepfake_core.ui.widgets.face_choice import face_number
from deepfake_core.ui.widgets.inputs import Inputs
from deepfake_core.ui.widgets.stage import bar, result_name, state
from deepfake_core.ui.wiring import ON_NETWORK, PRIVATE, QUIET

if TYPE_CHECKING:
    from deepfake_core.pipelines.by_hand import HandRequest
INTRODUCTION = (
    "No clip needed: the sliders move an invisible drawn head, and the portrait follows it. Small moves look best."
)
POSES_HINT = "One pose a line. The clip begins and ends at rest."
SLIDERS = {
    "yaw": (1, "Turn, degrees"),
    "pitch": (1, "Nod, degrees"),
    "roll": (1, "Tilt, degrees"),
    "scale": (0.01, "Size"),
    "shift_x": (0.01, "To the right"),
    "shift_y": (0.01, "Down"),
    "mouth_open": (0.05, "Open mouth"),
    "smile": (0.05, "Smile"),
}
"""Control -> step and label of its slider."""
POSING = {**PRIVATE, "concurrency_id": "by-hand", "concurrency_limit": 2}
"""Draws one pose: short, and many in a row while a slider moves, so it neither waits for runs nor counts as one."""
PREFIX = "by-hand-"


class ByHand:
    """The accordion below the studio. Nothing is computed before it is opened."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.error_message = ErrorMessage()

    def render(self) -> None:
        with gr.Accordion("Drive by hand", open=False, elem_id="by-hand") as self.accordion:
            gr.Markdown(INTRODUCTION)
            self.error_message.render()
            with gr.Row():
                with gr.Column(scale=4, min_width=280, elem_classes="stays"):
                    self.picture = gr.Image(
                        label="Posed by hand", alt_text="The portrait in the pose of the sliders", interactive=False,
                        buttons=["download", "fullscreen"], elem_id=f"{PREFIX}picture", elem_classes="media natural",
                    )  # fmt: skip
                with gr.Column(scale=6, min_width=280):
                    with gr.Row():
                        self.sliders = {
                            name: gr.Slider(
                                *LIMITS[name],
                                getattr(REST, name),
                                step=step,
                                label=label,
                                min_width=260,
                                elem_id=PREFIX + name,
                            )
                            for name, (step, label) in SLIDERS.items()
                        }
                    with gr.Row():
                        self.rest = gr.Button("Back to rest", min_width=130, elem_id=f"{PREFIX}rest")
                        self.add = gr.Button("Add this pose", min_width=130, elem_id=f"{PREFIX}add")
                    self.poses = gr.Textbox(
                        "", label="Poses of a clip", info=POSES_HINT, lines=3, max_lines=8, elem_id=f"{PREFIX}poses"
                    )
                    self.start = gr.Button("Make a clip", elem_id=f"{PREFIX}start")
                    self.progress = gr.HTML("", elem_id=f"{PREFIX}progress", elem_classes="progress")
                    self.video = gr.Video(
                        label="Clip", interactive=False, visible=False, loop=True, autoplay=True, height=320,
                        elem_id=f"{PREFIX}video", elem_classes="media",
                    )  # fmt: skip

    def listen(self, tab: Inputs, file: gr.Image, crop: gr.Radio) -> None:
        """`tab`: the inputs of the tab, named like the fields of `AnimationForm`."""
        of_portrait = ("model", "source", "source_face", "source_left", "source_top", "source_side", "crop")
        portrait = {name: one for name, one in zip(tab.names, tab.components, strict=True) if name in of_portrait}
        self.posing = Inputs(**portrait, **self.sliders)
        self.filming = Inputs(**portrait, poses=self.poses, **self.sliders)
        posed = [self.picture, *self.error_message.outputs]
        gr.on(
            [self.accordion.expand, *(slider.input for slider in self.sliders.values())],
            self.pose,
            inputs=self.posing.components,
            outputs=posed,
            preprocess=False,
            trigger_mode="always_last",
            **POSING,
        )
        rested = self.rest.click(
            lambda: [getattr(REST, name) for name in SLIDERS], outputs=[*self.sliders.values()], **QUIET
        )
        rested.then(self.pose, inputs=self.posing.components, outputs=posed, preprocess=False, **POSING)
        self.add.click(
            self.added,
            inputs=[self.poses, *self.sliders.values()],
            outputs=[self.poses, *self.error_message.outputs],
            **QUIET,
        )
        file.change(
            lambda: {self.picture: None, self.video: gr.Video(visible=False)},
            outputs=[self.picture, self.video],
            **QUIET,
        )
        self.start.click(
            self.film,
            inputs=self.filming.components,
            outputs=[self.start, self.progress, self.video, *self.error_message.outputs],
            preprocess=False,
            **ON_NETWORK,
        )
        self.error_message.listen(crop)

    def pose(self, *values: Any) -> Iterator[Update]:
        """Draw the pose of the sliders; a generator, so that the picture is copied before its folder goes."""
        from deepfake_core.pipelines.by_hand import pose_by_hand

        deadline = Deadline.after(settings().look_seconds)
        try:
            with TemporaryDirectory(prefix="deepfake-lab-") as folder:
                model, request = self._request(self.posing.named(values), Path(folder), deadline)
                done = self.engine.ask("fomm", model, pose_by_hand, request, deadline)
                yield self.error_message.clear() | {self.picture: str(done.path)}
        except Exception as error:
            yield self.error_message.show(error)

    def added(self, poses: str, *values: float) -> Update:
        """The pose of the sliders as the last line of the text."""
        try:
            lines = [line for line in poses.splitlines() if line.strip()]
            text = "\n".join([*lines, in_words(_controls(dict(zip(SLIDERS, values, strict=True))))])
            poses_of(text)
        except Exception as error:
            return self.error_message.show(error)
        return self.error_message.clear() | {self.poses: text}

    def film(self, *values: Any) -> Iterator[Update]:
        """Make the clip through all poses; without any, through that of the sliders."""
        from deepfake_core.pipelines.by_hand import clip_by_hand
        from deepfake_core.pipelines.events import Progress

        deadline = Deadline.after(settings().job_seconds)
        try:
            with TemporaryDirectory(prefix="deepfake-lab-") as folder:
                model, request = self._request(self.filming.named(values), Path(folder), deadline)
                yield self.error_message.clear() | {self.progress: state("Preparing …")}
                with closing(self.engine.work("fomm", model, clip_by_hand, request, deadline)) as events:  # type: ignore[type-var]
                    for event in events:
                        if isinstance(event, Progress):
                            yield {self.progress: bar(event.unit, event.done, event.total)}
                        else:
                            yield {self.progress: "", self.video: gr.Video(str(event.path), visible=True)}
        except Exception as error:
            yield self.error_message.show(error) | {self.progress: ""}

    def _request(self, values: dict[str, Any], folder: Path, deadline: Deadline) -> "tuple[str, HandRequest]":
        """The name of the weights, and the request: for a clip if the values have poses, else for a picture."""
        from deepfake_core.pipelines.by_hand import HandRequest

        upload = values["source"]
        source = chosen(upload, "portrait")
        place = [values[f"source_{name}"] for name in ("left", "top", "side")]
        crop = crop_of(values["crop"], *place, face=face_number(values["source_face"], upload))
        model = self.engine.weights_for("fomm", values["model"], source, crop, deadline)
        pose = _controls({name: values[name] for name in SLIDERS})
        poses, suffix = (poses_of(values["poses"]), ".mp4") if "poses" in values else ((), ".jpg")
        output = folder / f"{result_name(source.stem, 'driven by', 'hand')}{suffix}"
        return model, HandRequest(source=source, poses=poses or (pose,), output=output, crop=crop)


def _controls(values: dict[str, float]) -> Controls:
    return Controls(**{name: float(value) for name, value in values.items()})
