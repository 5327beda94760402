"""The crop of a picture or clip: shown before anything runs, and movable by hand."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

import gradio as gr

from deepfake_core.deadline import Deadline
from deepfake_core.settings import settings
from deepfake_core.ui.form import ByHand, Upload, path_of
from deepfake_core.ui.trouble import SMALLER, Trouble, Update
from deepfake_core.ui.view import CropPicture

if TYPE_CHECKING:
    from deepfake_core.faces import FaceCrop
    from deepfake_core.pipelines.animator import Frame

    ReadFrames = Callable[[Path, Deadline], AbstractContextManager[Iterator[Frame]]]

LOOKED_AT = 1280
"""Pixels of the longer side of what the preview is made from; both detectors shrink their pictures further."""
CROPS = [("Around the face", "auto"), ("Whole picture", "none"), ("By hand", "hand")]


class Framing:
    """The square that the network sees of one file."""

    def __init__(self, what: str, read: "ReadFrames") -> None:
        self.what, self.read = what, read
        self.crop_picture = CropPicture(what)
        self.trouble = Trouble()

    def render(self) -> None:
        self.crop_picture.render()
        with gr.Column(visible=False, elem_classes="by-hand") as self.by_hand:
            self.left = gr.Slider(0, 90, 0, step=0.1, label=f"{self.what.capitalize()}: left, %")
            self.top = gr.Slider(0, 90, 0, step=0.1, label=f"{self.what.capitalize()}: top, %")
            self.side = gr.Slider(10, 100, 100, step=0.1, label=f"{self.what.capitalize()}: size, %")
        self.trouble.render()

    @property
    def sliders(self) -> list[gr.Slider]:
        return [self.left, self.top, self.side]

    def listen(self, page: gr.Blocks, file: gr.Image | gr.Video, crop: gr.Radio) -> None:
        """Show the crop anew whenever the file, the kind of crop or a slider changes, and when the page opens."""
        outputs = [*self.crop_picture.outputs, self.by_hand, *self.sliders, self.trouble.text, self.trouble.whole]
        gr.on(
            [page.load, file.change, crop.change, *(slider.input for slider in self.sliders)],
            self.show,
            inputs=[file, crop, *self.sliders],
            outputs=outputs,
            preprocess=False,
            trigger_mode="always_last",
            show_progress="hidden",
            concurrency_id="framing",
            concurrency_limit=2,
            api_visibility="private",
        )
        self.trouble.listen(crop)

    def show(self, upload: Upload, crop: str, left: float, top: float, side: float) -> Update:
        """Draw the crop; in the automatic modes the hidden sliders follow, so that moving by hand starts there."""
        by_hand = {self.by_hand: gr.Column(visible=crop == "hand")}
        try:
            path = path_of(upload)
            if path is None:
                return self.crop_picture.nothing() | by_hand | self.trouble.clear()
            image, found = self._look(path, crop, ByHand(left, top, side))
        except Exception as error:
            return self.crop_picture.nothing() | by_hand | self.trouble.tell(error)
        shown = self.crop_picture.shown(image, found.box, found.note)
        if crop != "hand":
            place = ByHand.of(found.box, width=image.shape[1], height=image.shape[0])
            shown |= {
                slider: min(max(share, slider.minimum), slider.maximum)  # as far as the slider goes
                for slider, share in zip(self.sliders, (place.left, place.top, place.side), strict=True)
            }
        return shown | by_hand | self.trouble.clear()

    def _look(self, path: Path, crop: str, hand: ByHand) -> "tuple[Frame, FaceCrop]":
        from deepfake_core.pipelines import driving

        deadline = Deadline.after(settings().look_seconds, SMALLER)
        with self.read(path, deadline) as frames:
            if crop != "hand":
                seen, found = driving.first_face(frames, crop, path.name, deadline)
                return seen[0], found
            first = next(frames)
        height, width = first.shape[:2]
        return first, driving.by_hand(hand.box(width, height))
