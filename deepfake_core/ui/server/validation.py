"""Validates the inputs of every handler: only values that the page itself can send are accepted."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.block_function import BlockFunction
from gradio.state_holder import SessionState

from deepfake_core.errors import BadRequest, LabError, MissingFile
from deepfake_core.ui.server import values
from deepfake_core.ui.server.example_runs import ExampleRuns
from deepfake_core.ui.server.messages import alert, sentence
from deepfake_core.ui.server.parameters import parameter_of
from deepfake_core.ui.server.updates import SparseBlocks
from deepfake_core.ui.server.upload_check import META, UploadFolder, takes_file
from deepfake_core.ui.server.uploaded import NamedExample, Withheld

log = logging.getLogger(__name__)

WRONG_VALUES = "the values do not match this page; reload it and try again"
MAX_FILES = 100
"""For a list of files; handlers have lower limits with their own messages."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Replaces all values of a handler that may not run because one of them is invalid."""

    error: LabError


class CheckedBlocks(SparseBlocks):
    """A page that checks every value before Gradio or a handler uses it.

    A handler gets the values, with `Withheld` for each file that is not an upload; or, if another value is invalid,
    `Refused` for all of them: see `Sessions.guard`.
    """

    def __init__(self, *, examples: Iterable[Path] = (), **options: Any) -> None:
        super().__init__(**options)
        self.example_runs: ExampleRuns
        self.uploads = UploadFolder(Path(self.GRADIO_CACHE), examples)

    async def preprocess_data(
        self, block_fn: BlockFunction, inputs: list[Any], state: SessionState | None, explicit_call: bool = False
    ) -> list[Any]:
        try:
            files, others = self._checked(block_fn, inputs)
            processed: list[Any] = await super().preprocess_data(block_fn, others, state, explicit_call)
        except LabError as error:
            return [Refused(error)] * len(block_fn.inputs)
        except Exception:  # Gradio's own checks
            log.warning("invalid values for %s", block_fn.name, exc_info=True)
            return [Refused(BadRequest(WRONG_VALUES))] * len(block_fn.inputs)
        return [files.get(place, value) for place, value in enumerate(processed)]

    def _checked(self, block_fn: BlockFunction, inputs: list[Any]) -> tuple[dict[int, Any], list[Any]]:
        """Files by index, and the other values for Gradio, which gets no files: it would follow links and copy.

        Raises `BadRequest`.
        """
        if not isinstance(inputs, list) or len(inputs) != len(block_fn.inputs):
            raise BadRequest(WRONG_VALUES)
        files, others = dict[int, Any](), list[Any]()
        for place, (component, value) in enumerate(zip(block_fn.inputs, inputs, strict=True)):
            if takes_file(component):
                files[place] = self._files(component, value)
                others.append(None)
            else:
                values.check(component, value)
                others.append(value)
        return files, others

    def _files(self, component: Any, value: Any) -> Any:
        """The value of a file component reduced to paths, or `Withheld`."""
        if not value:
            return None
        if parameter_of(component) and isinstance(value, str):
            return self._example(value)
        is_list = takes_list(component)
        if is_list and isinstance(value, list) and len(value) > MAX_FILES:
            raise BadRequest(f"{component.label} must be a list of at most {MAX_FILES} files, got {len(value)}")
        try:
            named = [self.uploads.named(one) for one in (value if is_list and isinstance(value, list) else [value])]
        except MissingFile as error:
            return [Withheld(error)] if is_list else Withheld(error)
        sent = [{"path": str(path), "meta": META} for path in named]
        return sent if is_list else sent[0]

    def _example(self, name: str) -> NamedExample | Withheld:
        try:
            return NamedExample(self.uploads.example_named(name))
        except MissingFile as error:
            return Withheld(error)


def takes_list(component: Any) -> bool:
    """Whether the value of a file component is a list."""
    return getattr(component, "file_count", "single") != "single"


def refusal(handler: BlockFunction, error: Exception) -> dict[Any, Any]:
    """The update that shows the message of an error in the handler's error message component.

    Raises `gr.Error`, which the page shows as a toast, if the handler has no such component.
    """
    place = next(
        (one for one in handler.outputs if "error-message" in (getattr(one, "elem_classes", None) or ())), None
    )
    if place is None:
        raise gr.Error(sentence(error), print_exception=False)
    return {place: gr.HTML(alert(error), visible=True)}
