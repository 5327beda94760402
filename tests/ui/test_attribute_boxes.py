"""The checkboxes of a portrait's attributes."""

from dataclasses import replace

import pytest

from deepfake_core.errors import BadRequest
from deepfake_core.ui.tabs.stargan import AttributesForm
from deepfake_core.ui.tabs.stargan.attribute_boxes import Reading, with_checked

HAIR = ("Black_Hair", "Blond_Hair", "Brown_Hair")
NAMES = (*HAIR, "Male", "Young")
SHOWN = {name: name in ("Black_Hair", "Young") for name in NAMES}
UNREAD = Reading((None, "auto", "stargan-starter", 1), None, HAIR)
READING = Reading((None, "auto", "stargan-starter", 1), SHOWN, HAIR)


@pytest.mark.parametrize("before", [["Black_Hair", "Young"], ["Black_Hair", "Young", "Blond_Hair"]])
def test_a_hair_colour_unchecks_the_others_whenever_the_event_comes(before: list[str]):
    assert sorted(with_checked(before, "Blond_Hair", HAIR)) == ["Blond_Hair", "Young"]


def test_other_boxes_leave_hair_alone():
    assert with_checked(["Black_Hair"], "Male", HAIR) == ["Black_Hair", "Male"]


def test_a_batch_gets_only_the_changed_attributes():
    form = AttributesForm(
        model="stargan-starter", crop="auto", paste_back=False, checked=["Blond_Hair", "Young"], reading=READING
    )
    assert form.differences(NAMES) == {"Black_Hair": False, "Blond_Hair": True}
    assert form.changes(NAMES) == {name: name in ("Blond_Hair", "Young") for name in NAMES}


def test_boxes_that_were_not_read_have_to_be_checked():
    form = AttributesForm(model=None, crop="auto", paste_back=False, checked=[], reading=UNREAD)
    with pytest.raises(BadRequest, match="read no attributes from this picture; check those"):
        form.require_some()
    replace(form, checked=["Young"]).require_some()
    replace(form, reading=READING).require_some()


PICTURE = {"path": "/private/mei.png", "upload": "/uploads/mei.png"}
READ_FROM = ("/uploads/mei.png", "auto", "stargan-starter", 1)


@pytest.mark.parametrize(
    ("read_from", "fits"),
    [
        (READ_FROM, True),
        (None, False),  # pressed before anything was read
        (("/uploads/ben.png", *READ_FROM[1:]), False),  # read from the picture before
        ((*READ_FROM[:2], "stargan-celeba-128", 1), False),
        ((*READ_FROM[:3], 2), False),
    ],
)
def test_boxes_that_were_not_read_from_this_picture_are_not_used(read_from: object, fits: bool):
    reading = Reading(read_from, SHOWN, HAIR) if read_from else None  # type: ignore[arg-type]
    form = AttributesForm(model="stargan-starter", crop="auto", paste_back=False, checked=[], reading=reading)
    assert form.read_from(PICTURE, "stargan-starter") == fits
