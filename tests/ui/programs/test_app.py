"""The endpoints of the app itself, by Gradio's client and as MCP tools: results are files that say what they are."""

import base64
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from gradio_client import handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from benchmarks.load.server import serving
from deepfake_core.ui.page import EXAMPLES
from deepfake_core.ui.programs.current_calls import CALLS, CurrentCalls
from deepfake_core.ui.programs.snippets import by_curl, in_python
from deepfake_core.ui.widgets.examples import Examples
from tests.provenance.declared import assert_declared
from tests.ui.programs.conftest import Programs

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

NO_CONSENT = "consent must be true for files of your own"
RUNS: dict[str, dict[str, Any]] = {
    "animate": {"picture": "amara.png", "clip": "nod.mp4"},
    "translate": {"picture": "horse-black.png"},
    "edit": {"picture": "amara.png", "changes": {"Blond_Hair": True}},
    "style": {"picture": "amara.png", "domain": "male", "seed": 3},
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def app(home: Path) -> Iterator[Programs]:
    """`python app.py`."""
    with serving(home, {"DEEPFAKE_HOME": str(home)}) as running:
        yield Programs(running.address, running.log)


@pytest.fixture(autouse=True)
def signers_of_the_server(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server's signing key lies in its own home: this process needs it too."""
    monkeypatch.setenv("DEEPFAKE_HOME", str(home))


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A changed example, which no longer counts as one."""
    with Image.open(EXAMPLES / "portraits" / "ben.png") as portrait:
        portrait.convert("RGB").transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(tmp_path / "me.jpg", quality=90)
    return tmp_path / "me.jpg"


@pytest.mark.parametrize("name", RUNS)
def test_results_of_examples_are_labelled_and_signed(app: Programs, name: str) -> None:
    files, facts = app.client().predict(**RUNS[name], consent=False, api_name=f"/{name}")
    assert facts["status"] == "done" and facts["files"][0]["role"] == "result" and "starter" in facts["model"]
    assert Path(files[0]).suffix == (".mp4" if name == "animate" else ".png")
    assert_declared(Path(files[0]), model=facts["model"])
    assert app.client().predict(handle_file(files[0]), api_name="/verify")["state"] == "valid"


@pytest.mark.parametrize("name", RUNS)
def test_ones_own_picture_needs_consent(app: Programs, name: str, own: Path) -> None:
    arguments = RUNS[name] | {"picture": handle_file(own)}
    client = app.client()
    with pytest.raises(AppError, match=NO_CONSENT):
        client.predict(**arguments, consent=False, api_name=f"/{name}")
    with pytest.raises(TypeError, match="consent"):
        client.predict(**arguments, api_name=f"/{name}")
    if name != "animate":
        files, facts = client.predict(**arguments, consent=True, api_name=f"/{name}")
        assert_declared(Path(files[0]), model=facts["model"])


@pytest.mark.parametrize("name", RUNS)
def test_tools_give_the_same_pictures_byte_for_byte(app: Programs, name: str, tmp_path: Path) -> None:
    result = app.tool(name, **RUNS[name], consent=False)
    assert not result["isError"], result
    facts = result["structuredContent"]
    content = httpx.get(facts["files"][0]["url"], timeout=60).content
    (tmp_path / facts["files"][0]["name"]).write_bytes(content)
    assert_declared(tmp_path / facts["files"][0]["name"], model=facts["model"])
    pictures = [base64.b64decode(one["data"]) for one in result["content"] if one["type"] == "image"]
    assert pictures == ([] if name == "animate" else [content])


@pytest.mark.parametrize("name", RUNS)
def test_a_file_that_is_no_picture_is_one_sentence(app: Programs, name: str) -> None:
    path = app.uploaded(b"<svg xmlns='http://www.w3.org/2000/svg'/>", "me.svg")
    for arguments in (RUNS[name] | {"picture": path}, RUNS[name] | {"picture": "data:image/png;base64,bm8="}):
        refused = app.refusal(name, **arguments, consent=True)
        assert "picture" in refused and len(refused) < 300 and "Traceback" not in refused


def test_unknown_names_and_impossible_styles_say_what_is_possible(app: Programs) -> None:
    assert "stargan-starter knows Black_Hair" in app.refusal(
        "edit", picture="amara.png", changes={"Wings": True}, consent=False
    )
    assert "either a reference or a seed, got neither" in app.refusal(
        "style", picture="amara.png", domain="male", consent=False
    )
    assert "model must be one of" in app.refusal(
        "translate", picture="horse-black.png", model="fomm-starter", consent=False
    )
    assert "weights pull" in app.refusal(
        "animate", picture="amara.png", clip="nod.mp4", model="fomm-vox", consent=False
    )


def test_weights_are_listed(app: Programs) -> None:
    listed = app.tool("models")["structuredContent"]
    assert listed["fomm-starter"]["installed"] and not listed["fomm-vox"]["installed"] and len(listed) > 30
    only = app.tool("models", method="stargan")["structuredContent"]
    assert {one["method"] for one in only.values()} == {"stargan"}


def test_the_calls_that_the_page_shows_work(app: Programs, own: Path) -> None:
    """Those of the examples, and one with an upload; Python and curl as they are pasted."""
    current = CurrentCalls(Examples.in_folder(EXAMPLES))
    calls = [make(current, {}) for name, make in CALLS.items() if name != "animate"]
    calls.append(current.edit({"source": {"path": str(own)}}))
    for call in calls:
        for command in (
            [sys.executable, "-c", in_python(call, app.address)],
            ["bash", "-c", by_curl(call, app.address)],
        ):
            run = subprocess.run(command, cwd=own.parent, capture_output=True, text=True, timeout=300, check=False)
            assert run.returncode == 0, run.stderr
            if command[0] == "bash":
                last = run.stdout.strip().split("\n\n")[-1]
                assert last.startswith("event: complete") and json.loads(last.partition("data: ")[2])
