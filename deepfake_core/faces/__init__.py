"""Detect the face in a picture, crop it as in the networks' training data, and paste it back."""

from deepfake_core.faces.box import Box
from deepfake_core.faces.crop import Crop, Face, Manual, Uncropped, Whole, crop_named
from deepfake_core.faces.find import FaceCrop, find_crop
from deepfake_core.faces.resample import cut, paste

__all__ = ["Box", "Crop", "Face", "FaceCrop", "Manual", "Uncropped", "Whole", "crop_named", "cut", "find_crop", "paste"]
