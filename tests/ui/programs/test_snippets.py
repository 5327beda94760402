"""The calls that the page shows: their code says what the tabs are set to, and the code is valid."""

import ast
import json
import shlex
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from deepfake_core.cli import parser
from deepfake_core.errors import ConsentMissing
from deepfake_core.ui.page import EXAMPLES
from deepfake_core.ui.programs.current_calls import CALLS, CurrentCalls
from deepfake_core.ui.programs.snippets import Call, OwnFile, by_curl, in_python, on_the_command_line
from deepfake_core.ui.programs.tab import mcp_settings
from deepfake_core.ui.server.uploaded import Withheld
from deepfake_core.ui.widgets.examples import Examples

ADDRESS = "http://localhost:7860"
FILES = Examples.in_folder(EXAMPLES)
CURRENT = CurrentCalls(FILES)


def example(name: str) -> dict[str, str]:
    return {"path": str(next(path for path in (*FILES.pictures, *FILES.clips) if path.name == name))}


def arguments_in(code: str) -> dict[str, Any]:
    """The arguments of `predict` in Python code."""
    calls = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call)]
    predict = next(node for node in calls if isinstance(node.func, ast.Attribute) and node.func.attr == "predict")
    return {
        one.arg or "": ast.literal_eval(one.value) for one in predict.keywords if not isinstance(one.value, ast.Call)
    }


def test_an_untouched_page_shows_calls_of_the_first_examples() -> None:
    shown = {name: make(CURRENT, {}) for name, make in CALLS.items()}
    assert arguments_in(in_python(shown["animate"], ADDRESS)) == {
        "picture": "amara.png", "clip": "look-around.mp4", "consent": False, "api_name": "/animate",
    }  # fmt: skip
    assert on_the_command_line(shown["models"]) == "python -m deepfake_core weights list"
    for name, call in shown.items():
        parser().parse_args(shlex.split(on_the_command_line(call))[3:])
        assert f"{ADDRESS}/gradio_api/call/v2/{name}" in by_curl(call, ADDRESS)


def test_options_are_shown_where_they_differ_from_the_defaults() -> None:
    values = {
        "source": example("ben.png"), "driving": example("nod.mp4"), "motion": "absolute", "adapt_scale": False,
        "strength": 1.5, "region": "mouth",
        "best_frame": True, "start": 1.5, "smoothing": 0.25, "crop": "none", "paste_back": True, "side_by_side": True,
        "source_face": None, "model": "fomm-starter",
    }  # fmt: skip
    call = CURRENT.animate(values)
    assert call.arguments.keys() == {
        "picture", "clip", "model", "transfer", "adapt_scale", "strength", "region", "best_frame", "start", "smoothing",
        "crop", "paste_back", "side_by_side",
    }  # fmt: skip
    asked = parser().parse_args(shlex.split(on_the_command_line(call))[3:])
    assert (asked.source, asked.driving) == ("examples/portraits/ben.png", "examples/clips/nod.mp4")
    assert (asked.transfer, asked.adapt_scale, asked.strength, asked.smoothing) == ("absolute", False, 1.5, 0.25)
    assert asked.region == "mouth"
    assert CURRENT.animate(values | {"crop": "hand"}).arguments.get("crop") is None  # the page alone has it


def test_changed_boxes_are_changes() -> None:
    reading = SimpleNamespace(shown={"Blond_Hair": False, "Male": True, "Young": True})
    call = CURRENT.edit({"checked": ["Blond_Hair", "Young"], "reading": reading})
    assert call.arguments["changes"] == {"Blond_Hair": True, "Male": False}
    assert parser().parse_args(shlex.split(on_the_command_line(call))[3:]).set == ["Blond_Hair=1", "Male=0"]


def test_a_style_is_of_the_first_reference_or_of_the_seed() -> None:
    by_seed = CURRENT.style({"way": "seed", "seed": 3.0, "domain": "male", "truncation": 0.5})
    assert by_seed.arguments.items() >= {"seed": 3, "domain": "male", "truncation": 0.5}.items()
    call = CURRENT.style({"way": "references", "picture_1": example("chloe.png"), "domain_1": "female"})
    assert "seed" not in call.arguments and arguments_in(in_python(call, ADDRESS))["reference"] == "chloe.png"
    assert parser().parse_args(shlex.split(on_the_command_line(call))[3:]).reference == ["examples/portraits/chloe.png"]


@pytest.mark.parametrize("name", ["me.png", 'my "best" face.png', "o'neill.png", "$(id).png", "`id`.png", "ä\n.png"])
def test_names_of_own_files_are_data_in_every_language(name: str) -> None:
    call = CURRENT.translate({"source": {"path": f"/tmp/private/{name}"}})
    code = in_python(call, ADDRESS)
    uploads = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call) and len(node.args) == 1]
    assert name in [ast.literal_eval(node.args[0]) for node in uploads]
    assert arguments_in(code)["consent"] is True
    assert shlex.split(on_the_command_line(call))[4] == name
    upload = by_curl(call, ADDRESS).partition(" | tr")[0].removeprefix("PICTURE=$(")
    assert shlex.split(upload)[-1] == f"files=@{name}"


def test_a_file_without_consent_is_not_named() -> None:
    call = CURRENT.translate({"source": Withheld(ConsentMissing("no"))})
    assert call.uploads == {"picture": OwnFile("your-file.png")}


def test_an_example_is_known_by_its_place_and_not_by_its_name() -> None:
    call = CURRENT.translate({"source": {"path": "/tmp/private/horse-black.png"}})
    assert call.uploads == {"picture": OwnFile("horse-black.png")}


def test_the_body_of_curl_is_json_with_the_path_of_the_upload() -> None:
    code = by_curl(Call(endpoint="verify", arguments={"file": OwnFile("me.png")}), ADDRESS)
    upload, start, _ = code.replace(" \\\n", " ").split("\n")
    assert upload == f"""FILE=$(curl -s {ADDRESS}/gradio_api/upload -F files=@me.png | tr -d '[]"')"""
    body = shlex.split(start.partition(" -d ")[2].partition(" | ")[0])[0]
    assert json.loads(body.replace("$FILE", "/tmp/me.png")) == {"file": "/tmp/me.png"}


def test_the_settings_of_an_assistant_are_json() -> None:
    assert json.loads(mcp_settings(ADDRESS))["mcpServers"]["deepfake-lab"]["url"] == f"{ADDRESS}/gradio_api/mcp"
    assert Path(EXAMPLES).is_dir()
