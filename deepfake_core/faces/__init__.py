"""Find the face in a picture, cut it out as the networks know faces, and paste it back."""

from deepfake_core.faces.box import Box
from deepfake_core.faces.find import FaceCrop, find_crop
from deepfake_core.faces.resample import cut, paste

__all__ = ["Box", "FaceCrop", "cut", "find_crop", "paste"]
