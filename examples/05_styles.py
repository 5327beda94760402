"""Lend one animal's looks to another: python examples/05_styles.py OUT.png"""

import sys
from pathlib import Path

import numpy as np

from deepfake_core import StyleSynthesizer, save

HERE = Path(__file__).parent / "animals"


def main(output: str = "styles.png") -> None:
    """Save the grid of two sources and two references, and below it the way from one random style to another."""
    synthesizer = StyleSynthesizer.from_pretrained("starganv2-starter-animals")
    sources = [HERE / "cat-white.png", HERE / "dog-husky.png"]
    references = [HERE / "wild-leopard.png", HERE / "wild-lion.png"]
    grid = synthesizer.grid(sources, references, domain="wild")
    start, end = (synthesizer.style_from(seed, "dog") for seed in (7, 8))
    way = np.hstack(list(synthesizer.between(sources[0], start, end, steps=3)))
    print(save(np.vstack((grid, way)), output, model=synthesizer.name, sources=[*sources, *references]))


if __name__ == "__main__":
    main(*sys.argv[1:])
