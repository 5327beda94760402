"""The check before every handler of the page: whatever a browser sent is one of the values that the page can send."""

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
from deepfake_core.ui.server.messages import alert, sentence
from deepfake_core.ui.server.upload_check import FILES, META, Uploads
from deepfake_core.ui.server.uploaded import Withheld

log = logging.getLogger(__name__)

WRONG_VALUES = "these values do not fit this page; reload it and try again"
MOST_FILES = 100
"""Of a list; what handles it allows fewer, and says how many."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Stands for every value of a handler that is not called, because one of them cannot be used."""

    error: LabError


class CheckedBlocks(gr.Blocks):
    """A page that checks every value before Gradio or a handler looks at it.

    A handler gets what was sent, with `Withheld` for each file that is none of the uploads; or, when another value is
    wrong, `Refused` for everything: see `Visitors.guard`.
    """

    def __init__(self, *, examples: Iterable[Path] = (), **options: Any) -> None:
        super().__init__(**options)
        self.uploads = Uploads(Path(self.GRADIO_CACHE), examples)

    async def preprocess_data(
        self, block_fn: BlockFunction, inputs: list[Any], state: SessionState | None, explicit_call: bool = False
    ) -> list[Any]:
        try:
            files, others = self._checked(block_fn, inputs)
            processed: list[Any] = await super().preprocess_data(block_fn, others, state, explicit_call)
        except LabError as error:
            return [Refused(error)] * len(block_fn.inputs)
        except Exception:  # Gradio's own checks
            log.warning("values for %s were refused", block_fn.name, exc_info=True)
            return [Refused(BadRequest(WRONG_VALUES))] * len(block_fn.inputs)
        return [files.get(place, value) for place, value in enumerate(processed)]

    def _checked(self, block_fn: BlockFunction, inputs: list[Any]) -> tuple[dict[int, Any], list[Any]]:
        """Files by their places, and the values for Gradio, which never sees them: it would follow links and copy.

        Raises `BadRequest`.
        """
        if not isinstance(inputs, list) or len(inputs) != len(block_fn.inputs):
            raise BadRequest(WRONG_VALUES)
        files, others = dict[int, Any](), list[Any]()
        for place, (component, value) in enumerate(zip(block_fn.inputs, inputs, strict=True)):
            if isinstance(component, FILES):
                files[place] = self._files(component, value)
                others.append(None)
            else:
                values.check(component, value)
                others.append(value)
        return files, others

    def _files(self, component: Any, value: Any) -> Any:
        """The value of a file component with nothing but paths in it, or `Withheld`."""
        if not value:
            return None
        several = takes_several(component)
        if several and isinstance(value, list) and len(value) > MOST_FILES:
            raise BadRequest(f"{component.label} must be a list of at most {MOST_FILES} files, got {len(value)}")
        try:
            named = [self.uploads.named(one) for one in (value if several and isinstance(value, list) else [value])]
        except MissingFile as error:
            return [Withheld(error)] if several else Withheld(error)
        sent = [{"path": str(path), "meta": META} for path in named]
        return sent if several else sent[0]


def takes_several(component: Any) -> bool:
    """Whether the value of a file component is a list."""
    return getattr(component, "file_count", "single") != "single"


def refusal(handler: BlockFunction, error: Exception) -> dict[Any, Any]:
    """What a handler shows that could not do its work: one sentence where it shows its errors.

    Raises it as `gr.Error`, which the page shows at its edge, when the handler has no place for it.
    """
    place = next((one for one in handler.outputs if "trouble" in (getattr(one, "elem_classes", None) or ())), None)
    if place is None:
        raise gr.Error(sentence(error), print_exception=False)
    return {place: gr.HTML(alert(error), visible=True)}
