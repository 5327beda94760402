"""Folders of pictures as training data."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from deepfake_core.errors import BadRequest
from train.common import folders
from train.common.folders import Pictures, domain_folders, list_images


def picture(path: Path, width: int = 40, height: int = 30, red: int = 255) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[..., 0] = red
    pixels[..., 1] = np.linspace(0, 255, width)  # rises from left to right, so a mirrored crop shows
    Image.fromarray(pixels).save(path)
    return path


def test_domains_are_the_subfolders(tmp_path: Path) -> None:
    picture(tmp_path / "wild" / "b.png")
    picture(tmp_path / "wild" / "a.JPG")
    picture(tmp_path / "cat" / "c.webp")
    (tmp_path / "wild" / "notes.txt").write_text("no picture")
    (tmp_path / ".cache").mkdir()
    found = domain_folders(tmp_path)
    assert list(found) == ["cat", "wild"]
    assert [path.name for path in found["wild"]] == ["a.JPG", "b.png"]


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match=r"no folder .*nowhere"):
        list_images(tmp_path / "nowhere")
    with pytest.raises(BadRequest, match=r"at least two.*got no folder"):
        domain_folders(tmp_path)
    picture(tmp_path / "cat" / "c.png")
    with pytest.raises(BadRequest, match="only the folder cat"):
        domain_folders(tmp_path)
    (tmp_path / "dog").mkdir()
    with pytest.raises(BadRequest, match=r"no images in .*dog; add some \(\.png"):
        domain_folders(tmp_path)


def test_crops_keep_the_shape_of_things_and_follow_the_generator(tmp_path: Path) -> None:
    paths = [picture(tmp_path / f"{index}.png", width=160, height=64, red=index * 100) for index in range(2)]
    pictures = Pictures(paths, size=32, enlarge=1.25)
    assert pictures.read(paths[0]).shape == (3, 40, 100)
    crops, places = pictures.sample_with_indices(40, torch.Generator().manual_seed(3))
    assert crops.shape == (40, 3, 32, 32)
    torch.testing.assert_close(crops[:, 0].mean(dim=(1, 2)), places * 100 / 127.5 - 1)  # the label of each crop
    rise = (crops[:, 1, :, -1] - crops[:, 1, :, 0]).mean(dim=1)
    torch.testing.assert_close(rise.abs(), torch.full((40,), 2 * 31 / 100), atol=0.03, rtol=0)  # nothing is squashed
    assert 8 <= int((rise < 0).sum()) <= 32  # about half are mirrored
    again = Pictures(paths, size=32, enlarge=1.25).sample(40, torch.Generator().manual_seed(3))
    assert torch.equal(crops, again)


def test_a_picture_that_cannot_be_read_is_named_and_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    good, bad = picture(tmp_path / "good.png"), tmp_path / "bad.png"
    bad.write_text("no picture")
    pictures = Pictures([bad, good], size=16)
    crops, places = pictures.sample_with_indices(20, torch.Generator().manual_seed(0))
    assert len(crops) == 20 and set(places.tolist()) == {1}
    assert pictures.skipped == 1 and caplog.text.count("bad.png") == 1
    with pytest.raises(BadRequest, match=r"none of the images in .* can be read"):
        Pictures([bad], size=16).sample(1, torch.Generator())


def test_what_does_not_fit_into_memory_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [picture(tmp_path / f"{index}.png") for index in range(3)]
    monkeypatch.setattr(folders, "MEMORY", 2 * 3 * 18 * 24)  # two pictures of 24x18
    pictures = Pictures(paths, size=16)
    pictures.sample(30, torch.Generator().manual_seed(0))
    assert len(pictures._kept) == 2
