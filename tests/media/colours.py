"""Colours whose values are known in several colour spaces, and ICC profiles that describe these."""

import struct
from pathlib import Path

import numpy as np
from PIL import Image

PORTRAIT = Path(__file__).parents[2] / "examples" / "portraits" / "chloe.png"
WHITE = (0.9505, 1.0, 1.089)  # D65
D50 = (0.9642, 1.0, 0.8249)
PRIMARIES = {  # (x, y) of red, green and blue
    "srgb": ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06)),
    "p3": ((0.68, 0.32), (0.265, 0.69), (0.15, 0.06)),
    "adobe": ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06)),
    "bt2020": ((0.708, 0.292), (0.17, 0.797), (0.131, 0.046)),
}
BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])


def to_xyz(space: str) -> np.ndarray:
    """The matrix from linear RGB to XYZ, of which RGB (1, 1, 1) is `WHITE`."""
    columns = np.array([(x / y, 1.0, (1 - x - y) / y) for x, y in PRIMARIES[space]]).T
    scaled: np.ndarray = columns * np.linalg.solve(columns, WHITE)
    return scaled


def chart(side: int = 256) -> np.ndarray:
    """A portrait over eight patches: sRGB, uint8, side x side."""
    picture = np.array(Image.open(PORTRAIT).convert("RGB").resize((side, side)))
    colours = [(255,) * 3, (128,) * 3, (64,) * 3, (200, 60, 50), (60, 160, 70), (50, 70, 180), (230, 180, 150)]
    patches = np.array([*colours, (110, 80, 60)], np.uint8)
    picture[side // 2 :] = patches.repeat(side // 8, axis=0)[None]
    return picture


def linear(srgb: np.ndarray) -> np.ndarray:
    """Light, from 0 to 1, of sRGB values from 0 to 255."""
    share = srgb / 255.0
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)


def in_space(srgb: np.ndarray, space: str) -> np.ndarray:
    """The same light in the primaries of another space."""
    return np.clip(linear(srgb) @ (np.linalg.inv(to_xyz(space)) @ to_xyz("srgb")).T, 0.0, 1.0)


def profile(space: str, gamma: float) -> bytes:
    """An ICC profile (version 2, matrix and gamma) of a colour space; `grey` has a gamma only."""
    adapted = np.linalg.inv(BRADFORD) @ np.diag((BRADFORD @ D50) / (BRADFORD @ WHITE)) @ BRADFORD
    curve = b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256)) + bytes(2)
    tags = {b"desc": _text(b"desc", space), b"cprt": b"text" + bytes(4) + b"none\0", b"wtpt": _xyz(D50)}
    if space == "grey":
        tags[b"kTRC"] = curve
    else:
        columns = (adapted @ to_xyz(space)).T
        tags |= {name: _xyz(column) for name, column in zip((b"rXYZ", b"gXYZ", b"bXYZ"), columns, strict=True)}
        tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)
    table, body, start = struct.pack(">I", len(tags)), b"", 128 + 4 + 12 * len(tags)
    for name, data in tags.items():
        table += name + struct.pack(">II", start + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    kind = b"GRAY" if space == "grey" else b"RGB "
    head = struct.pack(">I4sI4s4s4s", start + len(body), bytes(4), 0x02400000, b"mntr", kind, b"XYZ ") + bytes(12)
    head += b"acsp" + bytes(28) + b"".join(struct.pack(">i", round(value * 65536)) for value in D50)
    return head + bytes(128 - len(head)) + table + body


def _xyz(values: np.ndarray | tuple[float, ...]) -> bytes:
    return b"XYZ " + bytes(4) + b"".join(struct.pack(">i", round(float(value) * 65536)) for value in values)


def _text(kind: bytes, text: str) -> bytes:
    return kind + bytes(4) + struct.pack(">I", len(text) + 1) + text.encode() + bytes(1 + 4 + 4 + 2 + 1 + 67)
