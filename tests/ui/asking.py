"""Call a page's handlers as the server does, with any values, and read their responses."""

import asyncio
import contextlib
import hashlib
import inspect
import json
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from gradio.block_function import BlockFunction
from gradio.state_holder import SessionState

from deepfake_core.ui.server.parameters import parameter_of
from deepfake_core.ui.server.sessions import Sessions
from deepfake_core.ui.server.validation import CheckedBlocks

LOOP = asyncio.Runner()
"""Shared, since every new loop starts new threads."""
META = {"_type": "gradio.FileData"}


def request_of(session: str, host: str = "10.0.0.1") -> gr.Request:
    return gr.Request(session_hash=session, client={"host": host, "port": 1})


def ask(page: gr.Blocks, handler: BlockFunction, values: list[Any], session: str = "a") -> str:
    """The handler's response as text, including the message of a `gr.Error`. Other errors are raised."""
    handler.fn = bare(handler.fn)

    async def answers() -> list[Any]:
        state, shown, iterator = SessionState(page), list[Any](), None
        while True:
            answer = await page.process_api(
                handler, values, state=state, request=request_of(session), iterator=iterator, session_hash=session
            )
            shown.append(answer["data"])
            iterator = answer["iterator"]
            if not answer["is_generating"]:
                return shown

    try:
        return json.dumps(LOOP.run(answers()), default=str)
    except gr.Error as error:
        return str(error.message)


def admitted(
    page: CheckedBlocks, handler: BlockFunction, values: list[Any], monkeypatch: pytest.MonkeyPatch
) -> list[Any]:
    """What the check passes to the function of a handler, which is not called; empty if everything was rejected."""
    given = list[Any]()
    check = Sessions._admitted

    def instead(*arguments: Any) -> None:
        given.extend(check(*arguments))
        raise LookupError("checked")

    monkeypatch.setattr(Sessions, "_admitted", instead)
    with contextlib.suppress(gr.Error):
        files, others = page._checked(handler, values)
        processed = [files.get(place, value) for place, value in enumerate(others)]
        answer = bare(handler.fn)(request_of("a"), *processed)
        assert isinstance(answer, dict) or [*answer]
    monkeypatch.setattr(Sessions, "_admitted", check)
    return given


def bare(function: Any) -> Any:
    """The function without the tests' type checks, behind which Gradio cannot see that it is a generator."""
    inner = inspect.unwrap(function)
    if inner is not function:
        inner.__signature__, inner.__annotations__ = inspect.signature(function), function.__annotations__
    return inner


def upload(folder: Path, content: bytes, name: str) -> dict[str, Any]:
    """A file in Gradio's upload folder, as the page sends it."""
    place = folder / hashlib.sha256(content).hexdigest()
    place.mkdir(parents=True, exist_ok=True)
    (place / name).write_bytes(content)
    return sent(place / name)


def sent(path: Path | str) -> dict[str, Any]:
    return {"path": str(path), "meta": META}


def defaults(handler: BlockFunction) -> list[Any]:
    """What the page sends initially; no files."""
    return [default(one) for one in handler.inputs]


def default(component: Any) -> Any:
    if parameter := parameter_of(component):
        return None if parameter.is_file else parameter.example
    if isinstance(component, gr.Dataset):
        return 0
    if isinstance(component, gr.State | gr.Image | gr.Video | gr.File):
        return None
    return float(component.value) if isinstance(component, gr.Slider) else component.value
