"""A tiny preset, folders of photos, and the command that trains."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from train.__main__ import main

PRESET = """
[recipe]
world = "{world}"
batch = 2
learning_rate = 1e-3
drawn = {{ blocks = 1, looks = 1, states = 2 }}
supervision = {{ truth = 5.0, features = 2.0, styles = 1.0, truth_first = 1, every = 2 }}
network = {{ size = 64, base = 4, widest = 8, style = 6, mapping_hidden = 12, high_pass = 0.0, blend = true }}
[loop]
steps = 3
log_every = 2
samples_every = 0
save_every = 0
"""


def train(preset: Path, out: Path, *more: str) -> int:
    return main(["starganv2", "--preset", str(preset), "--out", str(out), "--device", "cpu", *more])


@pytest.fixture
def preset(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.toml"
    path.write_text(PRESET.format(world="heads"))
    return path


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Three domains of different sizes, each of its own brightness; one file is no picture."""
    for brightness, (name, count) in enumerate({"apple": 1, "pear": 3, "plum": 2}.items()):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for index in range(count):
            picture = np.full((70, 80, 3), 100 * brightness, np.uint8)
            Image.fromarray(picture).save(tmp_path / "photos" / name / f"{index}.png")
    (tmp_path / "photos" / "pear" / "broken.png").write_text("no picture")
    return tmp_path / "photos"
