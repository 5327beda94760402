"""Gradio's state of sessions, without what only its deep links read: a flood of new sessions costs everybody."""

from collections import OrderedDict
from copy import copy
from typing import Any

import gradio as gr
from gradio.blocks import BlocksConfig
from gradio.state_holder import SessionState, StateHolder

from deepfake_core.ui.server.calls import ONE_CALL

MAX_CALLS = 64
"""Single calls whose state is kept: none of them uses it, but Gradio asks for it at every step."""


class CopiedStates(StateHolder):
    """Gradio's holder of states, whose new sessions are copies: building one anew takes 30 ms."""

    def __init__(self, page: gr.Blocks) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.set_blocks(page)
        self._template = _template(page)
        self._calls: OrderedDict[str, SessionState] = OrderedDict()

    def __getitem__(self, session_id: str) -> SessionState:
        if session_id.startswith(ONE_CALL):
            return self._of_call(session_id)
        if session_id not in self.session_data:
            self.session_data[session_id] = copied(self._template)
        return super().__getitem__(session_id)

    def _of_call(self, session_id: str) -> SessionState:
        """The state of a single call, which is kept apart: calls must not push out the states of open pages."""
        state = self._calls.pop(session_id, None) or copied(self._template)
        self._calls[session_id] = state
        if len(self._calls) > MAX_CALLS:
            self._calls.popitem(last=False)
        return state


class Undescribed(BlocksConfig):
    """The components of a session, without their descriptions.

    Gradio describes each component that a handler updates, twice, with the schema of its values, which takes
    milliseconds. Only deep links, whose route does not exist here, and `gr.render` read that.
    """

    @staticmethod
    def config_for_block(*arguments: Any, **named: Any) -> dict[str, Any]:
        return {}


def copied(template: SessionState) -> SessionState:
    """A state equal to the template, which itself has been used by no session."""
    state = copy(template)
    state.blocks_config = _undescribed(template.blocks_config)
    state.config_values, state.state_data, state._state_ttl = {}, {}, {}
    return state


def _template(page: gr.Blocks) -> SessionState:
    state = SessionState(page)
    state.config_values = {}
    return state


def _undescribed(config: BlocksConfig) -> Undescribed:
    """A copy whose components may be replaced without replacing the template's."""
    own = Undescribed(config.root_block)
    vars(own).update(vars(copy(config)))
    return own
