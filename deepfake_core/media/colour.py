"""Embedded ICC profiles of pictures: colours as seen, converted to sRGB. Runs in the image worker, without numpy."""

from io import BytesIO
from typing import NamedTuple

from PIL import Image, ImageCms

MODES = {"RGB ": "RGB", "GRAY": "L", "CMYK": "CMYK"}
"""Colour space of a profile -> the mode of the pictures that it describes."""
SRGB = "sRGB"
"""Pictures whose profile has this in its name are not converted, so that their values stay exact."""


class Conversion(NamedTuple):
    """The conversion of a picture with a profile to sRGB."""

    mode: str
    """The mode of its input."""
    transform: ImageCms.ImageCmsTransform

    def __call__(self, image: Image.Image) -> Image.Image:
        """The picture as RGB."""
        converted = ImageCms.applyTransform(image, self.transform)
        assert converted is not None, "only conversions in place return None"
        return converted


def to_srgb(image: Image.Image) -> Conversion | None:
    """The conversion for the embedded profile of a picture; None without one that changes anything.

    A profile that is broken, or of another colour space than the picture, is ignored, as in browsers.
    """
    data = image.info.get("icc_profile")
    if not isinstance(data, bytes) or not data:
        return None
    try:
        profile = ImageCms.ImageCmsProfile(BytesIO(data))
        mode = MODES.get(profile.profile.xcolor_space)
        if mode is None or not _describes(mode, image.mode) or SRGB in (profile.profile.profile_description or ""):
            return None
        return Conversion(mode, _transform(profile, mode))
    except MemoryError:
        raise
    except Exception:  # littlecms refuses hostile or incomplete profiles in many ways
        return None


def _describes(mode: str, stored: str) -> bool:
    """Whether a profile for pictures of `mode` can describe one of mode `stored`."""
    if mode == "RGB":
        return stored not in ("CMYK", "LAB") and not stored.startswith(("I", "F"))
    return stored in {"L": ("1", "L", "LA", "La"), "CMYK": ("CMYK",)}[mode]


def _transform(profile: ImageCms.ImageCmsProfile, mode: str) -> ImageCms.ImageCmsTransform:
    """Relative colorimetric with black point compensation: what lies in both colour spaces keeps its colour."""
    return ImageCms.buildTransform(
        profile,
        ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")),
        mode,
        "RGB",
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
        flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )
