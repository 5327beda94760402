"""How the motion is carried over: options that are folded away and need not be touched."""

import gradio as gr

from deepfake_core.ui.tabs.animation.framing import CROPS

MOTIONS = [
    ("Relative: keep the portrait's own face shape", "relative"),
    ("Absolute: take over the driver's", "absolute"),
]


class MotionOptions:
    """The widgets of the accordion."""

    def render(self) -> None:
        with gr.Accordion("Options", open=False):
            self.crop = gr.Radio(CROPS, value="auto", label="Crop of both", elem_id="crop")
            self.motion = gr.Radio(MOTIONS, value="relative", label="Motion")
            with gr.Row():
                self.adapt_scale = gr.Checkbox(
                    True, label="Adapt scale", info="A small face makes small movements (relative motion only)."
                )
                self.best_frame = gr.Checkbox(
                    False,
                    label="Best starting frame",
                    info="Measure motion from the frame that fits the portrait's pose.",
                )
            self.smoothing = gr.Slider(0, 1, 0, step=0.05, label="Smoothing", info="Calms jitter; 0 changes nothing.")
            with gr.Row():
                self.paste_back = gr.Checkbox(
                    False, label="Paste back", info="Put the moving face into the whole picture again."
                )
                self.side_by_side = gr.Checkbox(
                    True, label="Side-by-side video", info="A second file: portrait, driving clip, result."
                )

    @property
    def inputs(self) -> dict[str, gr.components.Component]:
        """By the names of `AnimationForm`'s fields."""
        return {
            "crop": self.crop,
            "motion": self.motion,
            "adapt_scale": self.adapt_scale,
            "best_frame": self.best_frame,
            "smoothing": self.smoothing,
            "paste_back": self.paste_back,
            "side_by_side": self.side_by_side,
        }

    def listen(self) -> None:
        """Adapting the scale has a meaning for relative motion alone."""
        self.motion.change(
            lambda motion: gr.Checkbox(interactive=motion == "relative"),
            inputs=self.motion,
            outputs=self.adapt_scale,
            queue=False,
            show_progress="hidden",
            api_visibility="private",
        )
