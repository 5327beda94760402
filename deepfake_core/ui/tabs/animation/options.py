"""The options of the motion transfer, in a closed accordion."""

import gradio as gr

from deepfake_core.settings import settings
from deepfake_core.ui.tabs.animation.crop_controls import CROPS
from deepfake_core.ui.wiring import QUIET

MOTIONS = [
    ("Relative: keep the portrait's own face shape", "relative"),
    ("Absolute: use the driver's face shape", "absolute"),
]
REGIONS = [("Everything", "all"), ("Only the mouth", "mouth"), ("Only the head's pose", "pose")]


class MotionOptions:
    """The widgets of the accordion."""

    def render(self) -> None:
        with gr.Accordion("Options", open=False):
            self.crop = gr.Radio(CROPS, value="auto", label="Crop of both inputs", elem_id="crop")
            self.motion = gr.Radio(MOTIONS, value="relative", label="Motion")
            with gr.Row():
                self.adapt_scale = gr.Checkbox(
                    True, label="Adapt scale", info="Scale the motion with the size of the face (relative motion only)."
                )
                self.best_frame = gr.Checkbox(
                    False,
                    label="Best initial frame",
                    info="Measure motion from the driving frame whose pose is closest to the portrait's.",
                )
            self.strength = gr.Slider(
                0,
                2,
                1,
                step=0.05,
                label="Strength of the motion",
                info="1 moves the portrait as far as the driver moves; 0 holds it still (relative motion only).",
            )
            self.region = gr.Radio(
                REGIONS,
                value="all",
                label="What moves",
                info="A photograph whose mouth alone moves stays whole (relative motion, weights for drawn heads).",
            )
            self.start = gr.Slider(
                0,
                settings().clip_seconds,
                0,
                step=0.1,
                label="Start of the motion, seconds",
                info="The portrait is still before; 0 starts at the first face of the driving clip.",
            )
            self.smoothing = gr.Slider(0, 1, 0, step=0.05, label="Smoothing", info="Reduces jitter; 0 switches it off.")
            with gr.Row():
                self.paste_back = gr.Checkbox(
                    False, label="Paste back", info="Insert the animated face into the whole picture."
                )
                self.side_by_side = gr.Checkbox(
                    True, label="Side-by-side video", info="A second video with portrait, driving clip and result."
                )

    @property
    def inputs(self) -> dict[str, gr.components.Component]:
        """The widgets, named like the fields of `AnimationForm`."""
        return {
            "crop": self.crop,
            "motion": self.motion,
            "adapt_scale": self.adapt_scale,
            "strength": self.strength,
            "region": self.region,
            "best_frame": self.best_frame,
            "start": self.start,
            "smoothing": self.smoothing,
            "paste_back": self.paste_back,
            "side_by_side": self.side_by_side,
        }

    def listen(self) -> None:
        """Disable the options that have no effect on absolute motion."""
        self.motion.change(
            lambda motion: [kind(interactive=motion == "relative") for kind in (gr.Checkbox, gr.Slider, gr.Radio)],
            inputs=self.motion,
            outputs=[self.adapt_scale, self.strength, self.region],
            **QUIET,
        )
