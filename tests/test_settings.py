"""The table of settings: what the environment says, and the edge of every number."""

from dataclasses import fields

import pytest

from deepfake_core.errors import BadRequest
from deepfake_core.settings import Settings, settings

NUMBERS = [one for one in fields(Settings) if one.type is int]


def test_without_a_word_from_the_environment_the_defaults_hold():
    assert settings() == Settings()


@pytest.mark.parametrize("one", NUMBERS, ids=lambda one: one.name)
def test_a_number_is_taken_from_its_smallest_value_on(one, monkeypatch):
    name, least = f"DEEPFAKE_{one.name.upper()}", one.metadata["minimum"]
    monkeypatch.setenv(name, str(least))
    assert getattr(settings(), one.name) == least
    for wrong in (str(least - 1), "-1", "many", "1.5", "²"):
        monkeypatch.setenv(name, wrong)
        with pytest.raises(BadRequest, match=rf"{name} must be .* at least {least}, got"):
            settings()


def test_places_downloads_and_the_budget_of_networks_are_in_the_table(monkeypatch):
    for name, value in (("HOME", "/there"), ("WEIGHTS_REPO", "me/mirror"), ("DOWNLOADS", "off"), ("CACHE_GB", "2.5")):
        monkeypatch.setenv(f"DEEPFAKE_{name}", value)
    told = settings()
    assert (told.home, told.weights_repo, told.downloads, told.cache_gb) == ("/there", "me/mirror", False, 2.5)
    for wrong in ("much", "-1", "nan", "inf"):
        monkeypatch.setenv("DEEPFAKE_CACHE_GB", wrong)
        with pytest.raises(BadRequest, match=f"at least 0, such as 2.5, got '{wrong}'"):
            settings()


def test_on_a_space_visitors_download_nothing_unless_its_owner_says_so(monkeypatch):
    assert settings().downloads
    monkeypatch.setenv("SPACE_ID", "me/space")
    assert not settings().downloads
    monkeypatch.setenv("DEEPFAKE_DOWNLOADS", "on")
    assert settings().downloads


def test_the_label_is_a_switch_with_a_text_and_a_place(monkeypatch):
    monkeypatch.setenv("DEEPFAKE_LABEL", "OFF")
    monkeypatch.setenv("DEEPFAKE_LABEL_TEXT", "KI-generiert")
    monkeypatch.setenv("DEEPFAKE_LABEL_PLACE", "top-left")
    told = settings()
    assert (told.label, told.label_text, told.label_place) == (False, "KI-generiert", "top-left")
    monkeypatch.setenv("DEEPFAKE_LABEL_PLACE", "middle")
    with pytest.raises(BadRequest, match="must be one of top-left"):
        settings()
    monkeypatch.setenv("DEEPFAKE_LABEL", "maybe")
    with pytest.raises(BadRequest, match="on or off"):
        settings()
