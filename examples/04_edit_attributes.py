"""Read a portrait's attributes and change them: python examples/04_edit_attributes.py OUT.png"""

import sys
from pathlib import Path

import numpy as np

from deepfake_core import AttributeEditor, save

HERE = Path(__file__).parent


def main(output: str = "attributes.png") -> None:
    """Save the portrait beside every single attribute turned round, and one edit of two at once."""
    editor = AttributeEditor.from_pretrained("stargan-starter")
    portrait = HERE / "portraits" / "mei.png"
    for name, sure in editor.read(portrait).items():
        print(f"{name}: {sure:.0%}")
    both = editor(portrait, {"Blond_Hair": True, "Young": False})
    strip = np.hstack([editor.cropped(portrait).pixels, *editor.flips(portrait).values(), both])
    print(save(strip, output, model=editor.name, sources=[portrait]))


if __name__ == "__main__":
    main(*sys.argv[1:])
