"""The boxes of a portrait's attributes."""

import pytest

from deepfake_core.ui.tabs.stargan import AttributesForm
from deepfake_core.ui.tabs.stargan.attribute_boxes import Reading, after

HAIR = ("Black_Hair", "Blond_Hair", "Brown_Hair")
NAMES = (*HAIR, "Male", "Young")
SHOWN = {name: name in ("Black_Hair", "Young") for name in NAMES}
READING = Reading((None, "auto", None), SHOWN, HAIR)


@pytest.mark.parametrize("before", [["Black_Hair", "Young"], ["Black_Hair", "Young", "Blond_Hair"]])
def test_a_hair_colour_unticks_the_others_whenever_the_event_comes(before: list[str]):
    assert sorted(after(before, "Blond_Hair", HAIR)) == ["Blond_Hair", "Young"]


def test_other_boxes_leave_hair_alone():
    assert after(["Black_Hair"], "Male", HAIR) == ["Black_Hair", "Male"]


def test_several_pictures_get_only_what_was_changed():
    form = AttributesForm(
        model="stargan-starter", crop="auto", paste_back=False, ticked=["Blond_Hair", "Young"], reading=READING
    )
    assert form.differences(NAMES) == {"Black_Hair": False, "Blond_Hair": True}
    assert form.changes(NAMES) == {name: name in ("Blond_Hair", "Young") for name in NAMES}
