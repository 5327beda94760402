"""Calls by Gradio's client and by curl: values, files, consent and progress."""

import hashlib
from pathlib import Path
from typing import Any

import pytest
from gradio_client import handle_file
from gradio_client.exceptions import AppError

from deepfake_core.ui.server.upload_check import META, UNUSABLE
from tests.ui.programs.conftest import Programs
from tests.ui.programs.small_page import PORTRAIT

OWN = b"a picture of mine"
NO_CONSENT = "consent must be true for files of your own"


@pytest.fixture
def own(tmp_path: Path) -> Path:
    (tmp_path / "me.png").write_bytes(OWN)
    return tmp_path / "me.png"


def refusal_of(client: Any, **arguments: Any) -> str:
    with pytest.raises(AppError) as refused:
        client.predict(**arguments)
    return str(refused.value)


def test_an_example_is_named_and_its_result_comes_byte_for_byte(programs: Programs) -> None:
    files, facts = programs.client().predict(PORTRAIT.name, False, api_name="/echo")
    assert Path(files[0]).read_bytes() == PORTRAIT.read_bytes() and facts["share"] == 0.5
    kind, (files, facts) = programs.curl("echo", picture=PORTRAIT.name, consent=False, share=0.25)
    assert kind == "complete" and facts["share"] == 0.25 and files[0]["url"].startswith(programs.address)
    served = programs.get(f"file={files[0]['path']}")
    assert hashlib.sha256(served.content).digest() == hashlib.sha256(PORTRAIT.read_bytes()).digest()


def test_ones_own_file_needs_consent_in_the_call_itself(programs: Programs, own: Path) -> None:
    client = programs.client()
    assert NO_CONSENT in refusal_of(client, picture=handle_file(own), consent=False, api_name="/echo")
    files, facts = client.predict(handle_file(own), True, api_name="/echo")
    assert Path(files[0]).read_bytes() == OWN and facts["bytes"] == len(OWN)
    assert NO_CONSENT in refusal_of(client, picture=handle_file(own), consent=False, api_name="/echo")
    with pytest.raises(TypeError, match="consent"):
        client.predict(handle_file(own), api_name="/echo")  # it has no default
    assert client.predict(handle_file(own), api_name="/look") == {"bytes": len(OWN)}  # only analysed


def test_the_box_on_the_page_is_no_consent_for_a_program(programs: Programs) -> None:
    path, session = programs.uploaded(OWN), "4fzyo82mvyr"
    config = programs.get("../config").json()
    box = next(one["id"] for one in config["components"] if one["props"].get("elem_id") == "consent")
    agree = next(one["id"] for one in config["dependencies"] if (box, "input") in map(tuple, one["targets"]))
    programs.post("queue/join", {"data": [True], "fn_index": agree, "session_hash": session})
    echo = next(one["id"] for one in config["dependencies"] if one["api_name"] == "echo")
    data = [{"path": path, "meta": META}, False, 0.5]
    assert programs.post("queue/join", {"data": data, "fn_index": echo, "session_hash": session}).status_code == 200
    answers = programs.get(f"queue/data?session_hash={session}").text
    assert NO_CONSENT in answers and '"consent' not in answers.replace(NO_CONSENT, "")


HOSTILE = {
    "outside": {"path": "/etc/passwd", "meta": META},
    "a descriptor": {"path": "/proc/self/fd/3", "meta": META},
    "a device": {"path": "/dev/zero", "meta": META},
    "missing": {"path": "/nothing.png", "meta": META},
    "dotted": {"path": f"../../{PORTRAIT.name}", "meta": META},
    "without meta": {"path": str(PORTRAIT)},
}


@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE)
def test_no_path_of_the_server_is_read(programs: Programs, value: Any) -> None:
    for consent in (True, False):
        assert programs.curl("echo", picture=value, consent=consent)[1]["error"] == f"{UNUSABLE}."
    assert programs.curl("look", file=value)[1]["error"] == f"{UNUSABLE}."


@pytest.mark.parametrize("text", ["/etc/passwd", "/proc/self/fd/3", str(PORTRAIT), "../amara.png", r"\\server\a.png"])
def test_a_text_with_a_slash_is_an_upload_or_nothing(programs: Programs, text: str) -> None:
    assert programs.curl("echo", picture=text, consent=True)[1]["error"] == f"{UNUSABLE}."
    assert programs.curl("echo", picture=programs.uploaded(OWN), consent=True)[1][1]["bytes"] == len(OWN)


@pytest.mark.parametrize("text", ["/etc/passwd", str(PORTRAIT), "amara", "http://127.0.0.1:9/a.png"])
def test_gradios_client_names_an_example_or_nothing(programs: Programs, text: str) -> None:
    refused = refusal_of(programs.client(), picture=text, consent=True, api_name="/echo")
    assert refused.startswith(repr(text[:40])) and refused.endswith(f"upload the file, or name one of {PORTRAIT.name}.")


@pytest.mark.parametrize("address", ["http://127.0.0.1:9/a.png", "file:///etc/passwd", "ftp://a/b"])
def test_no_address_is_fetched(programs: Programs, address: str) -> None:
    for picture in (address, {"path": address, "meta": META}):
        answer = programs.post("call/v2/echo", {"picture": picture, "consent": True})
        assert answer.status_code == 400 and "URLs are not accepted" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, "echo needs values for picture, consent"),
        ({"picture": PORTRAIT.name}, "echo needs values for consent"),
        ({"picture": PORTRAIT.name, "consent": False, "more": 1}, "got more"),
    ],
)
def test_names_of_parameters_are_checked_at_once(programs: Programs, arguments: Any, words: str) -> None:
    answer = programs.post("call/v2/echo", arguments)
    assert answer.status_code == 400 and words in answer.json()["detail"]


@pytest.mark.parametrize(("name", "value"), [("share", 1.5), ("share", "x"), ("share", True), ("consent", 1)])
def test_values_are_checked_like_the_pages(programs: Programs, name: str, value: Any) -> None:
    arguments = {"picture": PORTRAIT.name, "consent": True, name: value}
    wanted = "a number between 0 and 1" if name == "share" else "true or false"
    assert programs.curl("echo", **arguments)[1]["error"] == f"{name} must be {wanted}, got {value!r}."


def test_only_calls_that_fit_an_endpoint_are_forwarded(programs: Programs) -> None:
    assert programs.post("call/echo", {"data": [PORTRAIT.name]}).status_code == 400  # too few values
    assert programs.post("call/v2/agree", {}).status_code == 404  # a handler of the page
    assert programs.post("call/v2/echo", ["a"]).status_code == 400
    assert programs.post("call/v2/echo", {"picture": "a" * 300_000, "consent": True}).status_code == 413
    assert programs.get("call/v2/echo").status_code == 405


def test_endpoints_are_described_and_no_other_handler(programs: Programs) -> None:
    named = programs.get("info").json()["named_endpoints"]
    assert list(named) == ["/echo", "/wait", "/look"]
    parameters = {one["parameter_name"]: one for one in named["/echo"]["parameters"]}
    assert list(parameters) == ["picture", "consent", "share"]
    assert [one["parameter_has_default"] for one in parameters.values()] == [False, False, True]
    assert parameters["share"]["type"]["maximum"] == 1 and "share" in parameters["share"]["type"]["description"]
    assert parameters["picture"]["python_type"]["type"] == "filepath | str"
    assert not programs.get("info?all_endpoints=True").json()["unnamed_endpoints"]


def test_progress_can_be_followed(programs: Programs) -> None:
    job = programs.client().submit(seconds=0.5, consent=False, api_name="/wait")
    assert job.result(timeout=60)[1]["status"] == "done"
    seen = [facts["done"] for _, facts in job.outputs()[:-1]]
    assert len(seen) >= 3 and seen == sorted(seen)
