"""The boxes of a portrait's attributes."""

import pytest

from deepfake_core.ui.attributes import AttributesForm
from deepfake_core.ui.ticks import Reading, after, name_of, turned

HAIR = ("Black_Hair", "Blond_Hair", "Brown_Hair")
NAMES = (*HAIR, "Male", "Young")
SHOWN = {name: name in ("Black_Hair", "Young") for name in NAMES}
READING = Reading((None, "auto", None), SHOWN, HAIR)


@pytest.mark.parametrize("before", [["Black_Hair", "Young"], ["Black_Hair", "Young", "Blond_Hair"]])
def test_a_hair_colour_unticks_the_others_whenever_the_event_comes(before: list[str]):
    assert sorted(after(before, "Blond_Hair", HAIR)) == ["Blond_Hair", "Young"]


def test_other_boxes_leave_hair_alone():
    assert after(["Black_Hair"], "Male", HAIR) == ["Black_Hair", "Male"]


def test_a_change_is_called_by_what_it_makes():
    assert name_of("Blond_Hair") == "Blond hair"
    assert turned("Blond_Hair", False, HAIR) == "Blond hair"
    assert turned("Blond_Hair", True, HAIR) == "Blond hair, as it is"
    assert [turned("Male", has, HAIR) for has in (True, False)] == ["Female", "Male"]
    assert [turned("Young", has, HAIR) for has in (True, False)] == ["Older", "Younger"]
    assert turned("Eyeglasses", True, HAIR) == "Not eyeglasses"


def test_several_pictures_get_only_what_was_turned():
    form = AttributesForm("stargan-starter", "auto", False, ["Blond_Hair", "Young"], READING)
    assert form.differences(NAMES) == {"Black_Hair": False, "Blond_Hair": True}
    assert form.changes(NAMES) == {name: name in ("Blond_Hair", "Young") for name in NAMES}
