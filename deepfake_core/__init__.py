"""Face and image synthesis with generative adversarial networks.

    from deepfake_core import ImageAnimator
    animator = ImageAnimator.from_pretrained("fomm-vox-adv")
    for frame in animator("portrait.png", "driving.mp4"): ...

`CycleTranslator`, `AttributeEditor` and `StyleSynthesizer` are used in the same way. `save` and `save_video` write
their results, labelled and signed. `Controls` is a pose for `ImageAnimator.by_hand`.

All are imported on first access, so that `import deepfake_core` is fast.
"""

import os
from typing import TYPE_CHECKING, Any

from deepfake_core import registry

if TYPE_CHECKING:
    from deepfake_core.pipelines.animator import ImageAnimator
    from deepfake_core.pipelines.controls import Controls
    from deepfake_core.pipelines.editor import AttributeEditor
    from deepfake_core.pipelines.saving import save, save_video
    from deepfake_core.pipelines.synthesizer import StyleSynthesizer
    from deepfake_core.pipelines.translator import CycleTranslator

# torch reads this when it is imported: operations that Apple's GPUs lack run on the CPU instead of failing
os.environ.setdefault("PYTORCH_ENABLE_MPS_FALLBACK", "1")

__version__ = "0.1.0"
__all__ = ["AttributeEditor", "Controls", "CycleTranslator", "ImageAnimator", "StyleSynthesizer", "save", "save_video"]


def _references() -> dict[str, str]:
    """Public name -> "module:name"."""
    models = [one.model for one in registry.METHODS if one.model]
    saving = [f"deepfake_core.pipelines.saving:{name}" for name in ("save", "save_video")]
    hand = "deepfake_core.pipelines.controls:Controls"
    return {reference.partition(":")[2]: reference for reference in (*models, *saving, hand)}


def __getattr__(name: str) -> Any:
    if reference := _references().get(name):
        return registry.resolve(reference)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
