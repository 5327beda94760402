"""Hostile weights: pickles that hold code, archives that fill a disk or write elsewhere, configs without sense."""

import io
import json
import pickle
import random
import stat
import struct
import zipfile
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np
import torch

from benchmarks.robustness.corpus.bombs import DEEP, ZEROS
from benchmarks.robustness.corpus.lures import Bait, Code
from benchmarks.robustness.corpus.originals import array, safe, saved, tensors, weights, zipped
from deepfake_core.networks import fan, fomm, stargan, starganv2
from deepfake_core.networks.cyclegan import CycleGanConfig

Random = random.Random


def code(rng: Random, bait: Bait) -> tuple[bytes, str]:
    """A pickle, bare or in what torch and NumPy put around one, whose reading would write the bait's file."""
    content = rng.choice(
        (Code(bait), {"state_dict": {"main.0.weight": [0.5] * 8, "x": Code(bait)}}, [[Code(bait)]], (1, Code(bait)))
    )
    bare = pickle.dumps(content, protocol=rng.choice((0, 1, 2, 4, 5)))
    call = f"c{rng.choice(('posix', 'os'))}\nsystem\n(Vtouch {bait.touched}\ntR.".encode()
    way = rng.randrange(7)
    if way == 0:
        return bare, rng.choice(("pth", "ckpt", "pkl", "safetensors"))
    if way == 1:
        return call, "pth"
    if way == 2:
        return zipped({"archive/data.pkl": bare, "archive/version": b"3\n"}, zipfile.ZIP_STORED), "pth"
    if way == 3:
        return zipped({"models/1-G.ckpt": zipped({"archive/data.pkl": call, "archive/version": b"3\n"})}), "zip"
    if way == 4:
        return zipped({"arr_0.npy": array(np.array([Code(bait)], dtype=object))}), "npz"
    return saved(content, old=way == 5), "pth"


def archive_bomb(rng: Random, bait: Bait) -> tuple[bytes, str]:
    """An archive that is far larger inside, or says so, or is an archive all the way down."""
    return rng.choice(ARCHIVE_BOMBS)(), "zip"


def _nested() -> bytes:
    content = zipped({"a.ckpt": bytes(2**16)})
    for level in range(40):
        content = (
            zipped({f"{level}.ckpt": content, f"{level}.zip": content}) if level < 6 else zipped({"a.zip": content})
        )
    return content


def _overlapping() -> bytes:
    """Many entries of the directory that all point at one file."""
    content = bytearray(zipped({"a.ckpt": bytes(2**20)}))
    directory = content.index(b"PK\x01\x02")
    end = content.index(b"PK\x05\x06")
    entry = bytes(content[directory:end])
    entries = [entry.replace(b"a.ckpt", f"{number:01x}.ckpt".encode()) for number in range(16)]
    tail = bytearray(content[end:])
    struct.pack_into("<HHI", tail, 8, len(entries), len(entries), sum(map(len, entries)))
    return bytes(content[:directory]) + b"".join(entries) + bytes(tail)


def _lying(size: int) -> bytes:
    """The size that the directory and the header tell is not what comes out."""
    content = bytearray(zipped({"a.ckpt": bytes(2**20)}))
    struct.pack_into("<I", content, 22, size)
    struct.pack_into("<I", content, content.index(b"PK\x01\x02") + 24, size)
    return bytes(content)


ARCHIVE_BOMBS: tuple[Callable[[], bytes], ...] = (
    lambda: zipped({"a.ckpt": bytes(ZEROS)}),
    _nested,
    _overlapping,
    lambda: _lying(100),
    lambda: _lying(0xFFFFFFFE),
    lambda: zipped({f"{number}.ckpt": b"" for number in range(2_000)}),
    lambda: zipped({"archive/data.pkl": b"\x80\x02" + b"(" * 2**20 + b"."}),
    lambda: zipped({"archive/data.pkl": b"\x80\x02" + b"]" * DEEP + b"a" * (DEEP - 1) + b"."}),
    lambda: zipped({"a.ckpt": bytes(2**16)}, zipfile.ZIP_BZIP2),
    lambda: zipped({"a.ckpt": bytes(2**16)}, zipfile.ZIP_LZMA),
)

ODD_NAMES = (
    "../../{0}.ckpt", "/tmp/{0}.ckpt", "C:\\{0}.ckpt",
    "..\\..\\{0}.ckpt", "{0}.ckpt/", "./.ckpt", ".ckpt", "a/../../{0}.pth",
    "{0}\n.ckpt", "{0}" + "a" * 300 + ".ckpt", "-D.ckpt", "-G.ckpt", "{0}-\u202egnp.ckpt", "..ckpt",
    "CON.pth", "~/{0}.pt", " .pth",
)  # fmt: skip


def odd_archive(rng: Random, bait: Bait) -> tuple[bytes, str]:
    """An archive whose files' names lead elsewhere, or whose file is a link to the bait."""
    content = rng.choice((weights("pth"), weights("old.pth"), weights("safetensors"), b"", b"no weights"))
    if rng.random() < 0.3:
        link = zipfile.ZipInfo("link.ckpt")
        link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
        written = io.BytesIO()
        with zipfile.ZipFile(written, "w") as archive:
            archive.writestr(link, str(bait.text))
            archive.writestr(zipfile.ZipInfo("link.ckpt/below.ckpt"), content)
        return written.getvalue(), "zip"
    names = rng.sample(ODD_NAMES, rng.randint(1, 3))
    return zipped({name.format(bait.folder / "written"): content for name in names}), "zip"


CONFIGS: dict[str, Any] = {
    "fomm": fomm.CONFIGS["fomm-vox"],
    "cyclegan": CycleGanConfig(size=64, base=2, blocks=1),
    "stargan": stargan.CONFIGS["stargan-celeba-128"],
    "starganv2": starganv2.CONFIGS["starganv2-afhq"],
    "fan": fan.CONFIGS["fan-wing"],
}
"""A network of each kind."""
NUMBERS: tuple[object, ...] = (
    0,
    -1,
    1,
    3,
    2**16,
    2**31,
    2**63,
    10**30,
    1.5,
    float("nan"),
    "x",
    None,
    [],
    {},
    True,
    [[1]],
    "9" * 5_000,
)


def odd_config(rng: Random, bait: Bait) -> tuple[bytes, str]:
    """This project's own weights with an invalid config or header."""
    network = rng.choice(sorted(CONFIGS))
    config: dict[str, Any] = asdict(CONFIGS[network])
    for key in rng.sample(sorted(config), min(len(config), rng.randint(1, 3))):
        config[key] = rng.choice(NUMBERS)
    if rng.random() < 0.2:
        config[rng.choice(("extra", "", "__class__", "domains", "channels"))] = 1
    texts = (json.dumps(config), json.dumps(config)[:-3], "[" * DEEP + "]" * DEEP, "null", "[]", '"a"', "", "{}")
    text = rng.choice((texts[0], texts[0], rng.choice(texts)))
    network = network if rng.random() < 0.9 else rng.choice(("../x", "", "other"))
    state = rng.choice((tensors(), {}, {f"{network}.first.weight": torch.zeros(1)}))
    content = safe(state, {"network": network, "config": text})
    return (content if rng.random() < 0.7 else _header(rng)), "safetensors"


def _header(rng: Random) -> bytes:
    """A safetensors header that lies: offsets out of order, shapes that multiply to nothing, depth, a great length."""
    one = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
    tables: tuple[object, ...] = (
        {"a": {**one, "shape": [2**40, 2**40]}},
        {"a": {**one, "shape": [-2]}},
        {"a": {**one, "data_offsets": [8, 0]}},
        {"a": {**one, "data_offsets": [0, 2**62]}},
        {"a": {**one, "dtype": "X"}},
        {"a": one, "b": one},
        {"a": one, "__metadata__": {"network": 3}},
        {f"{number}": {**one, "shape": [0], "data_offsets": [0, 0]} for number in range(20_000)},
        [one],
        {"a": {**one, "shape": []}},
    )
    text = rng.choice((json.dumps(rng.choice(tables)), "[" * DEEP, '{"a":' * DEEP)).encode()
    length = rng.choice((len(text), len(text), len(text) + 1, 2**63, 0))
    return struct.pack("<Q", length) + text + bytes(8)
