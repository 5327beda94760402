"""Downloading weights through the handlers of the page: progress, and rejected requests."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deepfake_core.hub import pulling
from deepfake_core.hub.downloads import Fetching
from deepfake_core.hub.manifest import manifest
from deepfake_core.hub.pulling import Converting, Pulled, Step, Waiting
from deepfake_core.ui.server.inference import Engine
from deepfake_core.ui.tabs.weights import WeightsTab, table
from deepfake_core.ui.widgets import downloads
from deepfake_core.ui.widgets.downloads import Download, bytes_bar
from deepfake_core.ui.widgets.errors import Update
from deepfake_core.ui.widgets.model_picker import STARTER, ModelPicker, MoreWeights

FREE, CLOSED = "cyclegan-horse2zebra", "fomm-vox-adv"  # the second one's licence may forbid commercial use
PART = Fetching(file="latest_net_G.pth", done=12_300_000, total=45_600_000, rate=2_100_000.0)


class Pull:
    """Replaces `pull`: yields given steps, and records calls, threads and whether it was closed."""

    def __init__(self, *steps: Step) -> None:
        self.steps = steps
        self.asked: list[tuple[str, bool]] = []
        self.threads: set[int] = set()
        self.closed = False

    def __call__(self, name: str, *, accept_licence: bool = False) -> Iterator[Step]:
        self.asked.append((name, accept_licence))
        try:
            for step in self.steps:
                self.threads.add(threading.get_ident())
                yield step
        finally:
            self.threads.add(threading.get_ident())
            self.closed = True


@pytest.fixture(autouse=True)
def _own_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the starters are installed, and no settings are set."""
    monkeypatch.setenv("DEEPFAKE_HOME", str(tmp_path))
    for name in ("DEEPFAKE_DOWNLOADS", "SPACE_ID", "DEEPFAKE_WEIGHTS_REPO"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def pull(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pull:
    notes = ("Its sha256 is <b>new</b>.", "Licence: BSD.")
    played = Pull(
        Waiting(name=FREE), PART, Converting(name=FREE), Pulled(name=FREE, path=tmp_path / "made", notes=notes)
    )
    monkeypatch.setattr(pulling, "pull", played)
    return played


@pytest.fixture
def part() -> Download:
    return rendered(Download((FREE, CLOSED, "fomm-starter"), "test-", "use it"))


def rendered(part: Any) -> Any:
    import gradio as gr

    with gr.Blocks(analytics_enabled=False):
        part.render()
    return part


def texts(part: Download, updates: Iterator[Update]) -> list[str]:
    """The texts of each update, as one string."""
    return [" ".join(str(getattr(value, "value", value)) for value in update.values()) for update in updates]


def choices(dropdown: Any) -> list[str]:
    return [value for _, value in dropdown.choices]


def test_bytes_and_the_time_left_are_shown_and_then_the_notes(part: Download, pull: Pull) -> None:
    updates = list(part.fetch(FREE, False))
    asking, waiting, bar, converting, done = texts(part, iter(updates))
    assert "Contacting" in asking and "Another process" in waiting and "converting" in converting
    assert "latest_net_G.pth · 12.3 of 45.6 MB · 2.1 MB/s · 16 s left" in bar
    assert '<progress value="12300000" max="45600000"' in bar
    assert "Horse to zebra, photographs is installed; use it" in done
    assert "&lt;b&gt;new&lt;/b&gt;" in done and "<b>" not in done
    assert updates[-1][part.over] is True
    assert pull.asked == [(FREE, False)]


def test_a_bar_says_what_it_knows() -> None:
    unknown = bytes_bar(Fetching(file="<x>.pth", done=5_000_000, total=None, rate=0.0))
    assert "&lt;x&gt;.pth · 5.0 MB</p>" in unknown and "left" not in unknown and "value" not in unknown
    slow = bytes_bar(Fetching(file="a", done=0, total=700_000_000, rate=1e6))
    assert "12 min left" in slow


def test_all_steps_are_asked_for_by_one_thread_that_is_not_ours(part: Download, pull: Pull) -> None:
    steps = part.fetch(FREE, False)
    for _ in range(3):
        next(steps)
    closing = threading.Thread(target=steps.close)  # type: ignore[attr-defined]
    closing.start()
    closing.join()
    assert pull.closed
    assert len(pull.threads) == 1 and threading.get_ident() not in pull.threads


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "fomm-vox", "stargan-starter", "/tmp/x.safetensors", "", None, 7, [FREE], {"a": 1}]
)
def test_a_name_that_is_not_in_the_list_is_refused(part: Download, pull: Pull, name: Any) -> None:
    (text,) = texts(part, part.fetch(name, True))
    assert "choose some from the list" in text
    assert pull.asked == []
    assert part.describe(name)[part.about] == ""


@pytest.mark.parametrize("accepted", [False, None, "yes", 1, [True]])
def test_a_licence_is_shown_and_has_to_be_accepted(part: Download, accepted: Any) -> None:
    shown = part.describe(CLOSED)
    assert "CC BY-NC 4.0" in shown[part.about] and "750.9 MB" in shown[part.about]
    assert 'href="https://huggingface.co/ashpexx/my-models"' in shown[part.about], "the first of its sources, as a link"
    assert "; 5 more in the Weights tab" in shown[part.about]
    assert shown[part.accepted].visible is True and shown[part.accepted].value is False
    assert part.describe(FREE)[part.accepted].visible is False
    *_, text = texts(part, part.fetch(CLOSED, accepted))  # the real `pull`, which never gets to the network
    assert 'role="alert"' in text
    assert "accept it to download the file" in text


def test_a_tick_reaches_the_pull(part: Download, pull: Pull) -> None:
    list(part.fetch(CLOSED, True))
    assert pull.asked == [(CLOSED, True)]


def test_starters_are_not_offered_and_a_mirror_is_named(part: Download, monkeypatch: pytest.MonkeyPatch) -> None:
    assert part.offer(None)[part.name].choices == [
        ("VoxCeleb faces, photographs, sharper · 750.9 MB", CLOSED),
        ("Horse to zebra, photographs · 45.6 MB", FREE),
    ]
    assert part.offer(FREE)[part.name].value == FREE
    assert part.accepted not in part.offer(FREE), "a tick is not lost when the list is looked through again"
    monkeypatch.setenv("DEEPFAKE_WEIGHTS_REPO", "me/<weights>")
    assert choices(part.offer(None)[part.name]) == [CLOSED, FREE]
    assert "the mirror me/&lt;weights&gt;" in part.describe(FREE)[part.about]


def test_what_is_here_is_not_offered(part: Download, tmp_path: Path) -> None:
    for name in (FREE, CLOSED):
        (tmp_path / f"{name}.safetensors").touch()
    assert part.offer(FREE)[part.column].visible is False


@pytest.mark.parametrize(
    ("environment", "on"),
    [
        ({}, True),
        ({"SPACE_ID": "me/lab"}, False),
        ({"SPACE_ID": "me/lab", "DEEPFAKE_DOWNLOADS": "on"}, True),
        ({"DEEPFAKE_DOWNLOADS": "off"}, False),
        ({"DEEPFAKE_DOWNLOADS": " OFF "}, False),
    ],
)
def test_downloads_are_on_but_not_on_a_public_space(
    environment: dict[str, str], on: bool, monkeypatch: pytest.MonkeyPatch, pull: Pull
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert downloads.switched_on() is on
    part = rendered(Download((FREE,), "test-", "use it"))
    assert part.column.visible is on and part.offer(None)[part.column].visible is on
    text = texts(part, part.fetch(FREE, True))[-1]
    assert ("downloads are switched off" in text) is not on
    assert bool(pull.asked) is on


def test_when_downloads_are_off_the_missing_weights_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    more = rendered(MoreWeights("cyclegan", "test-", "use it"))
    title = "Horse to zebra, photographs"
    assert title not in more.fill(None)[more.others]
    monkeypatch.setenv("DEEPFAKE_DOWNLOADS", "off")
    assert title in more.fill(None)[more.others]


def test_the_line_of_a_tab_says_that_these_are_starters() -> None:
    models = ModelPicker("stargan", "test-")
    assert STARTER in models.describe("stargan-starter")
    assert STARTER not in models.describe("stargan-celeba-128")


def test_the_table_names_everything_and_where_it_comes_from(tmp_path: Path) -> None:
    from deepfake_core.hub.inventory import inventory

    (tmp_path / "starganv2-celeba-hq.safetensors").write_bytes(b"12")
    text = table(inventory())
    assert all(f"{one.title}<br><code" in text and f">{name}</code></th>" in text for name, one in manifest().items())
    assert text.count("included in the repository") == 8
    assert 'href="https://huggingface.co/spaces/Yanguan/CycleGAN"' in text
    assert "installed</strong>; it also needs fan-wing" in text
    assert 'href="https://github.com/AliaksandrSiarohin/first-order-model"' in text
    assert text.count("CC BY-NC 4.0 in older, MIT in newer versions") == 1, "once a family"


def test_only_what_was_fetched_can_be_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tab = rendered(WeightsTab(Engine()))
    path = tmp_path / f"{FREE}.safetensors"
    path.write_bytes(b"12")
    shown = tab.fill(None, None)
    assert choices(shown[tab.removal.name]) == [FREE]
    assert "GB" in shown[tab.room]

    monkeypatch.setenv("DEEPFAKE_DOWNLOADS", "off")
    assert "downloads are switched off" in tab.removal.remove(FREE)[tab.removal.status]
    monkeypatch.setenv("DEEPFAKE_DOWNLOADS", "on")
    for name in ("../x", "fomm-starter", [FREE], None):
        assert "That did not work" in tab.removal.remove(name)[tab.removal.status]
    assert path.exists()

    assert "Horse to zebra, photographs was removed" in tab.removal.remove(FREE)[tab.removal.status]
    assert not path.exists()
    assert choices(tab.fill(None, FREE)[tab.removal.name]) == []


def test_verify_names_what_is_damaged(tmp_path: Path) -> None:
    tab = rendered(WeightsTab(Engine()))
    *_, sound = tab.check.verify()
    assert "All files are intact" in sound and "fomm-starter: OK (checksum matches)" in sound
    (tmp_path / f"{FREE}.safetensors").write_bytes(b"12")
    (tmp_path / f"{FREE}.safetensors.sha256").write_text(f"{'0' * 64}  {FREE}.safetensors\n")
    *_, damaged = tab.check.verify()
    assert "1 file damaged" in damaged and f"{FREE}: <strong>damaged" in damaged
