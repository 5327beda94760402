"""Results that leave most outputs as they are: Gradio builds each of these components anew, a millisecond apiece."""

from collections.abc import Sequence
from copy import copy
from typing import Any

import gradio as gr
from gradio.block_function import BlockFunction
from gradio.blocks import Block, convert_component_dict_to_list
from gradio.state_holder import SessionState

from deepfake_core.ui.server.languages import TranslatedBlocks


class SparseBlocks(TranslatedBlocks):
    """A page whose results cost what they change: only the outputs that they name are processed."""

    async def postprocess_data(
        self, block_fn: BlockFunction, predictions: Any, state: SessionState | None
    ) -> list[Any]:
        values = by_output(block_fn.outputs, predictions)
        changed = [place for place, value in enumerate(values or ()) if not is_skip(value)]
        if values is None or len(changed) == len(values):
            unchanged: list[Any] = await super().postprocess_data(block_fn, predictions, state)
            return unchanged
        answer = [None if one.stateful else gr.skip() for one in block_fn.outputs]
        if changed:
            few = copy(block_fn)
            few.outputs = [block_fn.outputs[place] for place in changed]
            some: Any = [values[place] for place in changed]
            processed = await super().postprocess_data(few, some if len(some) > 1 else some[0], state)
            for place, value in zip(changed, processed, strict=True):
                answer[place] = value
        return answer


def by_output(outputs: Sequence[Block], predictions: Any) -> list[Any] | None:
    """A handler's result as one value for each of its several outputs; None if it has another form."""
    if len(outputs) < 2:
        return None
    if is_skip(predictions):
        return [gr.skip() for _ in outputs]
    if isinstance(predictions, dict) and predictions:
        predictions = convert_component_dict_to_list(outputs, predictions)
    fits = isinstance(predictions, list | tuple) and len(predictions) == len(outputs)
    return list(predictions) if fits else None


def is_skip(value: Any) -> bool:
    """Whether it leaves its output as it is."""
    return isinstance(value, dict) and value == gr.skip()
