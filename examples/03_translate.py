"""Turn horses into zebras and back, and see what came back: python examples/03_translate.py OUT.png"""

import sys
from pathlib import Path

import numpy as np

from deepfake_core import CycleTranslator, save

HERE = Path(__file__).parent


def main(output: str = "translation.png") -> None:
    """Save a row for each horse: the picture, its translation, and the translation's way back."""
    translator = CycleTranslator.from_pretrained("cyclegan-starter-horse2zebra")
    rows, horses = [], sorted((HERE / "fields").glob("horse-*.png"))
    for path in horses:
        cycle = translator.cycle(path)
        assert cycle.back is not None
        rows.append(np.hstack((translator.cropped(path).pixels, cycle.translated, cycle.back)))
        print(f"{path.stem}: mean |x - back| = {cycle.error:.3f}")
    print(save(np.vstack(rows), output, model=translator.name, sources=horses))


if __name__ == "__main__":
    main(*sys.argv[1:])
