"""Draw the figures of three methods' look inside, signed and labelled: python examples/08_look_inside_each.py FOLDER"""

import sys
from pathlib import Path

from deepfake_core import AttributeEditor, CycleTranslator, StyleSynthesizer
from deepfake_core.pipelines import attributes_insight, styles_insight, translation_insight
from deepfake_core.pipelines.attributes import AttributesRequest
from deepfake_core.pipelines.style_specs import Reference
from deepfake_core.pipelines.styles import GridRequest
from deepfake_core.pipelines.translation import TranslationRequest

HERE = Path(__file__).parent
HORSE, AMARA, CHLOE = (HERE / name for name in ("fields/horse-black.png", "portraits/amara.png", "portraits/chloe.png"))


def main(output: str = "inside") -> None:
    """Print the path of every figure."""
    folder = Path(output)
    translate = TranslationRequest(sources=(HORSE,), output=folder)
    edit = AttributesRequest(sources=(AMARA,), changes={"Blond_Hair": True}, output=folder)
    style = GridRequest(sources=(AMARA,), styles=(Reference(image=CHLOE, domain="female"),), output=folder)
    looks = (
        translation_insight.look_inside(
            CycleTranslator.from_pretrained("cyclegan-starter-horse2zebra"),
            translation_insight.TranslationInsightRequest(translation=translate, output=folder / "cyclegan"),
        ),
        attributes_insight.look_inside(
            AttributeEditor.from_pretrained("stargan-starter"),
            attributes_insight.AttributesInsightRequest(edit=edit, output=folder / "stargan"),
        ),
        styles_insight.look_inside(
            StyleSynthesizer.from_pretrained("starganv2-starter-heads"),
            styles_insight.StylesInsightRequest(grid=style, output=folder / "starganv2"),
        ),
    )
    for events in looks:
        for finished in events:
            for file in finished.files:
                print(file.path)


if __name__ == "__main__":
    main(*sys.argv[1:])
