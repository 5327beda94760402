"""The page's state in its address: only values that the page itself could send are restored from a link."""

from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from deepfake_core.ui.page import EXAMPLES
from deepfake_core.ui.server.sessions import Sessions
from deepfake_core.ui.server.validation import CheckedBlocks
from deepfake_core.ui.widgets.address import LEFT_OUT, Address, Linked, slug_of
from deepfake_core.ui.widgets.inputs import Inputs
from tests.ui.asking import ask, request_of

AMARA, SING = EXAMPLES / "portraits" / "amara.png", EXAMPLES / "clips" / "sing.mp4"


@pytest.fixture(scope="module")
def address() -> Address:
    """A page with one tab that has an option of each kind, of which `boxes` and `picture` are late."""
    address = Address([AMARA, SING])
    with CheckedBlocks(examples=[AMARA, SING]) as page:
        with gr.Tabs() as tabs, gr.Tab("StarGAN v2", id="starganv2"):
            options: dict[str, Any] = {
                "share": gr.Slider(0, 1, 0.5),
                "seed": gr.Number(7, precision=0, minimum=0),
                "paste": gr.Checkbox(False),
                "crop": gr.Radio(["auto", "none"], value="auto"),
                "model": gr.Dropdown([]),
                "boxes": gr.CheckboxGroup(["Male", "Young"]),
                "picture": gr.Image(type="filepath"),
                "clip": gr.Video(),
                "face": gr.State(None),
                "files": gr.File(file_count="multiple"),
            }
        address.render()
        linked = Linked(inputs=Inputs(**options), late=("boxes", "picture"))
        address.listen(page, tabs, {"starganv2": linked})
    return address


def test_states_and_lists_of_files_are_in_no_link(address: Address) -> None:
    assert {"face", "files"}.isdisjoint(address.linked["starganv2"].components)
    assert len(address.linked["starganv2"].components) == 8


@pytest.mark.parametrize(
    ("query", "value"),
    [
        ("share=0.25", {"share": 0.25}),
        ("seed=1234", {"seed": 1234}),
        ("paste=true", {"paste": True}),
        ("crop=none", {"crop": "none"}),
        ("model=stargan-starter", {"model": "stargan-starter"}),
        ("boxes=Male%2CYoung", {"boxes": ["Male", "Young"]}),
        ("boxes=", {"boxes": []}),
        ("picture=amara.png", {"picture": str(AMARA)}),
        ("clip=sing.mp4", {"clip": str(SING)}),
        ("", {}),
    ],
)
def test_what_the_page_can_send_is_restored(address: Address, query: str, value: dict[str, Any]) -> None:
    assert address.parsed("starganv2", query) == (value, True)


@pytest.mark.parametrize(
    "query",
    [
        "share=2", "share=nan", "share=", "share=1e999", "seed=-1", "seed=0.5", "seed=9007199254740993", "paste=1",
        "crop=<script>", "crop=", "model=../../etc/passwd", "boxes=Old", "boxes=Male,Male", "picture=/etc/passwd",
        "picture=../portraits/amara.png", "picture=", "face=1", "files=amara.png", "unknown=1",
    ],
)  # fmt: skip
def test_anything_else_is_left_out(address: Address, query: str) -> None:
    assert address.parsed("starganv2", query) == ({}, False)
    assert address.parsed("starganv2", f"{query}&paste=false") == ({"paste": False}, False)


def test_a_link_with_too_many_options_is_left_out_as_a_whole(address: Address) -> None:
    assert address.parsed("starganv2", "&".join(["seed=1"] * 65)) == ({}, False)


def test_late_options_wait_for_their_tab_and_are_set_once(address: Address, monkeypatch: pytest.MonkeyPatch) -> None:
    warnings: list[str] = []
    monkeypatch.setattr(gr, "Warning", warnings.append)
    one = address.linked["starganv2"].components
    updates = address.restore("starganv2?seed=3&boxes=Male&picture=amara.png\nweights?x=1")
    pending = updates.pop(address.pending)
    assert updates == {one["seed"]: 3} and warnings == []
    assert pending == {"starganv2": {"boxes": ["Male"], "picture": str(AMARA)}}
    late = address.restore_late("starganv2", pending)
    assert (late[one["boxes"]], late[one["picture"]]) == (["Male"], str(AMARA))
    again = address.restore_late("starganv2", late[address.pending])
    assert list(again) == [address.pending]
    assert list(address.restore_late("starganv2", None)) == [address.pending]
    address.restore("starganv2?seed=x")
    assert warnings == [LEFT_OUT]


def test_a_list_that_is_filled_later_gets_the_value_with_its_choice(address: Address) -> None:
    dropdown = address.linked["starganv2"].components["model"]
    update = address.restore("starganv2?model=stargan-starter")[dropdown]
    assert update.value == "stargan-starter" and [value for _, value in update.choices] == ["stargan-starter"]


def test_the_names_of_the_tabs_in_the_address(served: CheckedBlocks) -> None:
    names = {"Image Animation": "image-animation", "StarGAN": "stargan", "StarGAN v2": "starganv2", "Verify": "verify"}
    assert {title: slug_of(title) for title in names} == names
    ids = [block.id for block in served.blocks.values() if isinstance(block, gr.Tab)]
    assert ids == [
        "image-animation",
        "cyclegan",
        "stargan",
        "starganv2",
        "training",
        "spot-the-fake",
        "verify",
        "weights",
        "for-programs",
    ]


def restoring(page: CheckedBlocks) -> Any:
    return next(one for one in page.fns.values() if one.fn and "fragments" in str(one.js))


def test_every_method_has_a_link_with_its_options_and_the_server_checks_its_length(served: CheckedBlocks) -> None:
    handler = restoring(served)
    query = "image-animation?motion=absolute\ncyclegan?back=false\nstargan?checked=Male\nstarganv2?seed=5"
    assert '"absolute"' in ask(served, handler, [query])
    assert "Settings must be a text of at most" in ask(served, handler, ["x" * 9_000])


def test_the_tick_that_a_browser_tab_kept_counts_for_its_new_session_alone() -> None:
    sessions = Sessions()
    assert sessions.recall(False, request_of("a")) == (False, False) and sessions._consenting == set()
    assert sessions.recall(True, request_of("a")) == (True, True) and sessions._consenting == {"a"}


def test_a_link_names_only_files_of_the_examples(tmp_path: Path) -> None:
    assert Address([AMARA]).examples == {"amara.png": AMARA}
