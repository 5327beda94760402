"""Checkpoints as files, packed or not, and what their import says."""

import io
import os
import zipfile
from pathlib import Path

import pytest
import torch

from deepfake_core.errors import BadWeights
from deepfake_core.hub.importing import import_checkpoint

NAME = "cyclegan-style_monet"
PACKINGS = ("today's", "older", "today's in a zip", "older in a zip")


def saved(content: object, packing: str = "today's") -> bytes:
    """A checkpoint as today's or an older torch writes it, perhaps in a zip."""
    written = io.BytesIO()
    torch.save(content, written, _use_new_zipfile_serialization="today's" in packing)
    return zipped({"models/200000-G.ckpt": written.getvalue()}) if "zip" in packing else written.getvalue()


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return written.getvalue()


def refusal(path: Path, content: bytes, name: str = NAME) -> str:
    """What the import of such a file says, in one line; it leaves nothing behind."""
    path.write_bytes(content)
    with pytest.raises(BadWeights) as refused:
        import_checkpoint(name, path)
    home = Path(os.environ["DEEPFAKE_HOME"])
    assert not home.exists() or not list(home.iterdir())
    assert "\n" not in str(refused.value)
    return str(refused.value)
