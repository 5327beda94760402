"""The few sound files that everything broken is made from: small pictures, clips and weights, in every format."""

import io
import json
import re
import struct
import subprocess
import tempfile
import zipfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import numpy as np
import torch
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from torch import Tensor

from deepfake_core.networks.cyclegan import CycleGanConfig, Generator

PICTURES = {"png": "PNG", "jpg": "JPEG", "webp": "WEBP", "gif": "GIF", "bmp": "BMP", "tif": "TIFF", "ppm": "PPM"}
"""Ending -> Pillow's name."""

CLIPS: dict[str, tuple[str, ...]] = {
    "mp4": ("-c:v", "libx264", "-c:a", "aac", "-movflags", "+faststart"),
    "mov": ("-c:v", "libx264", "-c:a", "aac", "-movflags", "frag_keyframe+empty_moov"),
    "webm": ("-c:v", "libvpx", "-an", "-deadline", "good", "-cpu-used", "5"),
    "gif": ("-an",),
    "avi": ("-c:v", "mpeg4", "-c:a", "pcm_s16le", "-ar", "8000"),
    "mkv": ("-c:v", "libx264", "-an"),
    "ts": ("-c:v", "libx264", "-an"),
}
"""Ending -> how ffmpeg writes it. The `mov` is fragmented, as a browser's recordings are. libvpx writes the same on
every run only if it is not bound to real time."""

WEIGHTS = ("safetensors", "own.safetensors", "pth", "old.pth", "zip", "npz", "pkl")
"""Tensors of nobody, this project's own weights, today's and an older torch's, one in an archive, NumPy's, a pickle."""

SECONDS = 60.0
"""For making one clip, which takes a fraction of it."""


@cache
def picture(ending: str) -> bytes:
    """A picture of 64 x 48 pixels with some texture, metadata and, where the format has it, several frames."""
    ramp = np.linspace(0, 255, 64, dtype=np.uint8)[None].repeat(48, axis=0)
    noise = np.random.default_rng(0).integers(0, 255, (48, 64), dtype=np.uint8)
    image = Image.fromarray(np.stack([ramp, ramp[:, ::-1], noise], axis=-1))
    exif = Image.Exif()
    exif[0x0112] = 6  # turned, so that a reader has to look
    known: dict[str, dict[str, Any]] = {
        "png": {"pnginfo": _text(), "exif": exif},
        "jpg": {"progressive": True, "exif": exif},
        "webp": {"exif": exif, "quality": 70},
        "gif": {"save_all": True, "append_images": [image.rotate(180)]},
        "tif": {"compression": "tiff_lzw"},
    }
    written = io.BytesIO()
    image.save(written, PICTURES[ending], **known.get(ending, {}))
    return written.getvalue()


def _text() -> PngInfo:
    text = PngInfo()
    text.add_text("Comment", "a word")
    text.add_text("Long", "word " * 50, zip=True)
    return text


@cache
def clip(ending: str) -> bytes:
    """Eight frames of 64 x 48 pixels, with sound where the format's line above asks for it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"clip.{ending}"
        made = ("-f", "lavfi", "-i", "testsrc=size=64x48:rate=10:duration=0.8")
        sound = ("-f", "lavfi", "-i", "sine=sample_rate=8000:duration=0.8")
        program = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostdin", *made, *sound]
        still = ("-bitexact", "-threads", "1", "-map", "0:v", "-map", "1:a?")  # the same bytes on every run
        subprocess.run([*program, *still, *CLIPS[ending], path], check=True, timeout=SECONDS, capture_output=True)
        return path.read_bytes()


@cache
def weights(kind: str) -> bytes:
    """A weights file of some kilobytes; see `WEIGHTS`."""
    state = tensors()
    if kind == "safetensors":
        return safe(state, {"format": "pt"})
    if kind == "own.safetensors":
        return _own()
    if kind in ("pth", "old.pth"):
        return saved({"state_dict": state}, old=kind == "old.pth")
    if kind == "zip":
        return zipped({"models/200000-G.ckpt": weights("pth"), "README.txt": b"a word"})
    if kind == "npz":
        return zipped({f"arr_{place}.npy": array(value.numpy()) for place, value in enumerate(state.values())})
    return saved(state, old=True)


def tensors() -> dict[str, Tensor]:
    """A few tensors under names as authors give them, views of one storage (whose name `saved` has to settle)."""
    numbers = torch.arange(113.0)
    return {
        "main.0.weight": numbers[:108].view(4, 3, 3, 3),
        "main.1.weight": numbers[108:112],
        "main.1.num_batches_tracked": numbers[112],
    }


def saved(content: object, *, old: bool) -> bytes:
    """What `torch.save` writes today, or wrote long ago: where addresses in memory name its storages, here ones do."""
    written = io.BytesIO()
    torch.save(content, written, _use_new_zipfile_serialization=not old)
    ones = re.compile(rb"(?<=X.\0\0\0)\d{8,}", re.DOTALL)
    return ones.sub(lambda address: b"1" * len(address[0]), written.getvalue()) if old else written.getvalue()


def zipped(members: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """An archive of these files, all of one date."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content, method)
    return written.getvalue()


def array(values: np.ndarray) -> bytes:
    """An array as NumPy keeps it; one of objects is a pickle."""
    written = io.BytesIO()
    np.save(written, values, allow_pickle=True)
    return written.getvalue()


def safe(state: Mapping[str, Tensor], metadata: Mapping[str, str]) -> bytes:
    """A safetensors file; its own library puts the metadata in another order on every run."""
    header: dict[str, Any] = {"__metadata__": metadata}
    body = b""
    for name, value in state.items():
        raw = value.numpy().tobytes()
        shape = list(value.shape)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [len(body), len(body) + len(raw)]}
        body += raw
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + body


def _own() -> bytes:
    """A small CycleGAN as `hub.store` keeps it, config and all."""
    config = CycleGanConfig(size=64, base=2, blocks=1)
    state = {f"cyclegan.{key}": torch.zeros_like(value) for key, value in Generator(config).state_dict().items()}
    return safe(state, {"network": "cyclegan", "config": '{"size": 64, "base": 2, "blocks": 1}'})
