"""Face and image synthesis with generative adversarial networks.

    from deepfake_core import ImageAnimator
    animator = ImageAnimator.from_pretrained("fomm-vox-adv")
    for frame in animator("portrait.png", "driving.mp4"): ...

and alike `CycleTranslator`, `AttributeEditor` and `StyleSynthesizer`. `save` and `save_video` write what they make,
labelled and signed.

They are imported when they are first asked for, so that `import deepfake_core` stays quick.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from deepfake_core.pipelines.animator import ImageAnimator
    from deepfake_core.pipelines.editor import AttributeEditor
    from deepfake_core.pipelines.saving import save, save_video
    from deepfake_core.pipelines.synthesizer import StyleSynthesizer
    from deepfake_core.pipelines.translator import CycleTranslator

__version__ = "0.1.0"
__all__ = ["AttributeEditor", "CycleTranslator", "ImageAnimator", "StyleSynthesizer", "save", "save_video"]
_HOMES = {
    "ImageAnimator": "deepfake_core.pipelines.animator",
    "CycleTranslator": "deepfake_core.pipelines.translator",
    "AttributeEditor": "deepfake_core.pipelines.editor",
    "StyleSynthesizer": "deepfake_core.pipelines.synthesizer",
    "save": "deepfake_core.pipelines.saving",
    "save_video": "deepfake_core.pipelines.saving",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
