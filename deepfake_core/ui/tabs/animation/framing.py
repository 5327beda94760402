"""The crop of a picture or clip: shown before anything runs, and movable by hand."""

from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import gradio as gr

from deepfake_core.deadline import Deadline
from deepfake_core.settings import settings
from deepfake_core.ui.server.messages import SMALLER
from deepfake_core.ui.server.uploaded import Upload, path_of
from deepfake_core.ui.tabs.animation.form import MANUAL, crop_of
from deepfake_core.ui.widgets.crop import CropPicture
from deepfake_core.ui.widgets.errors import Trouble, Update
from deepfake_core.ui.wiring import READS_FILE

if TYPE_CHECKING:
    from deepfake_core.faces import Manual
    from deepfake_core.pipelines.crop_preview import CropPreview

CROPS = [("Around the face", "auto"), ("Whole picture", "none"), ("By hand", MANUAL)]


class Framing:
    """The square that the network sees of one file."""

    def __init__(self, what: str, preview: "Callable[..., CropPreview]") -> None:
        """`preview` draws the crop of a file: see `pipelines.crop_preview`."""
        self.what, self.preview = what, preview
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
    def inputs(self) -> dict[str, gr.components.Component]:
        """The sliders by the ends of their names in `AnimationForm`."""
        return {"left": self.left, "top": self.top, "side": self.side}

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
            **READS_FILE,
        )
        self.trouble.listen(crop)

    def show(self, upload: Upload, crop: str, left: float, top: float, side: float) -> Iterator[Update]:
        """Draw the crop; in the automatic modes the hidden sliders follow, so that moving by hand starts there."""
        by_hand = {self.by_hand: gr.Column(visible=crop == MANUAL)}
        try:
            path = path_of(upload)
            if path is None:
                yield self.crop_picture.nothing() | by_hand | self.trouble.clear()
                return
            deadline = Deadline.after(settings().look_seconds, SMALLER)
            with TemporaryDirectory(prefix="deepfake-lab-") as folder:
                found = self.preview(path, crop_of(crop, left, top, side), Path(folder) / "crop.jpg", deadline=deadline)
                sliders = self._at(found.crop) if crop != MANUAL and found.crop else {}
                yield self.crop_picture.shown(found) | sliders | by_hand | self.trouble.clear()
        except Exception as error:
            yield self.crop_picture.nothing() | by_hand | self.trouble.tell(error)

    def _at(self, crop: "Manual") -> Update:
        """The sliders at a crop's place, as far as they go."""
        places = zip(self.sliders, (crop.left, crop.top, crop.side), strict=True)
        return {slider: min(max(round(100 * at, 1), slider.minimum), slider.maximum) for slider, at in places}
