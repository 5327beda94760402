"""Pictures have the colours that a viewer sees, in every format: measured against a known chart."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from deepfake_core.errors import LabError, MediaTooLarge
from deepfake_core.media.images import read_image
from tests.media.colours import chart, in_space, linear, profile

pillow_heif.register_heif_opener()
CHART = chart()
SPACES = {"p3": 2.2, "adobe": 2.2, "bt2020": 1.8}


def stored(space: str, gamma: float) -> Image.Image:
    """The chart as a camera of that colour space would store it."""
    return Image.fromarray(np.rint(in_space(CHART, space) ** (1 / gamma) * 255).astype(np.uint8))


def distance(seen: np.ndarray, wanted: np.ndarray = CHART) -> float:
    return float(np.abs(seen.astype(int) - wanted).mean())


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif", ".avif", ".heic"])
def test_a_profile_is_converted_to_srgb(tmp_path: Path, space: str, suffix: str) -> None:
    picture, icc = stored(space, SPACES[space]), profile(space, SPACES[space])
    fine: dict[str, dict[str, Any]] = {
        ".avif": {"quality": 100, "subsampling": "4:4:4"},
        ".heic": {"quality": 100, "chroma": 444},
    }
    how = fine.get(suffix, {"quality": 95, "subsampling": 0} if suffix == ".jpg" else {"lossless": True})
    picture.save(tmp_path / f"a{suffix}", icc_profile=icc, **how)
    assert distance(np.asarray(picture)) > 4.0, "without the profile the colours are wrong"
    assert distance(read_image(tmp_path / f"a{suffix}")) < 2.0
    assert distance(read_image(tmp_path / f"a{suffix}", trusted=True)) < 2.0


def test_a_profile_of_a_large_picture_with_alpha_is_converted_in_strips(tmp_path: Path) -> None:
    wide = stored("p3", 2.2).resize((2304, 2304), Image.Resampling.NEAREST)
    wide.putalpha(255)
    wide.save(tmp_path / "large.png", icc_profile=profile("p3", 2.2), compress_level=1)
    assert distance(read_image(tmp_path / "large.png", longest=256)) < 2.0


def test_a_grey_profile_is_converted(tmp_path: Path) -> None:
    grey = Image.fromarray(CHART).convert("L")
    light = linear(np.asarray(grey).astype(float))
    for alpha in (False, True):
        picture = Image.fromarray(np.rint(light * 255).astype(np.uint8))
        if alpha:
            picture.putalpha(255)
        picture.save(tmp_path / "grey.png", icc_profile=profile("grey", 1.0))
        assert distance(read_image(tmp_path / "grey.png")[..., 0], np.asarray(grey)) < 2.0


def test_profiles_that_do_not_fit_change_nothing(tmp_path: Path) -> None:
    whole = profile("p3", 2.2)
    for icc in (b"", b"nonsense", whole[:200], profile("grey", 1.0), whole[:16] + b"CMYK" + whole[20:]):
        Image.fromarray(CHART).save(tmp_path / "a.png", icc_profile=icc)
        np.testing.assert_array_equal(read_image(tmp_path / "a.png"), CHART)


def test_srgb_stays_exact(tmp_path: Path) -> None:
    from PIL import ImageCms

    icc = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.fromarray(CHART).save(tmp_path / "a.png", icc_profile=icc)
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), CHART)


@pytest.mark.parametrize("suffix", [".avif", ".heic", ".heif"])
def test_pictures_of_phones_are_read_upright(tmp_path: Path, suffix: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = Image.fromarray(np.ascontiguousarray(np.rot90(CHART[:, :192])))
    turned.info["exif"] = exif.tobytes()  # where both encoders look for it
    turned.save(tmp_path / f"photo{suffix}", exif=exif.tobytes(), quality=95)
    seen = read_image(tmp_path / f"photo{suffix}")
    assert seen.shape == (256, 192, 3) and distance(seen, CHART[:, :192]) < 4.0


def test_an_alpha_channel_is_over_white(tmp_path: Path) -> None:
    clear = Image.fromarray(CHART)
    clear.putalpha(Image.fromarray(np.tile(np.arange(256, dtype=np.uint8), (256, 1))))
    for name in ("a.avif", "a.heic"):
        clear.save(tmp_path / name, quality=95)
        assert read_image(tmp_path / name)[:, 0].min() > 245


@pytest.mark.parametrize("suffix", [".avif", ".heic"])
def test_limits_hold_for_them_too(tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    Image.new("RGB", (300, 240)).save(written, suffix[1:].upper().replace("HEIC", "HEIF"))
    path = tmp_path / f"a{suffix}"
    path.write_bytes(written.getvalue())
    with monkeypatch.context() as patch:
        patch.setenv("DEEPFAKE_PICTURE_PIXELS", "70000")
        with pytest.raises(MediaTooLarge, match="300 x 240 pixels"):
            read_image(path)
    for cut in range(16, len(written.getvalue()) - 1, 40):
        path.write_bytes(written.getvalue()[:cut])
        with pytest.raises(LabError, match=path.name):
            read_image(path)
