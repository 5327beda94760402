"""A line that says which weights are being installed since the start (`hub.startup`)."""

import html

import gradio as gr

from deepfake_core.hub.startup import STARTUP, Wanted, requested
from deepfake_core.ui.widgets.downloads import step_line
from deepfake_core.ui.widgets.stage import state
from deepfake_core.ui.wiring import QUIET

SECONDS = 3.0
"""Between updates of the line in the Weights tab."""


def startup_line(names: "set[str] | None" = None) -> str:
    """The state of the weights pulled at start, of some names or of all, as HTML; empty if all are installed."""
    shown = [one for one in STARTUP.wanted if names is None or one.name in names]
    return "".join(line for one in shown if (line := _line(one)))


def _line(one: Wanted) -> str:
    name = html.escape(one.name)
    if one.error is not None:
        return state(f"{name} was not installed at the start: {html.escape(one.error)}.")
    if one.over:
        return ""
    if one.step is None:
        return state(f"{name} is going to be installed …")
    return f"{state(f'Installing {name} …')}{step_line(one.step)}"


class StartupLine:
    """The line of the Weights tab, updated while weights are being installed."""

    def __init__(self) -> None:
        self.any = bool(requested())

    def render(self) -> None:
        self.line = gr.HTML("", elem_id="weights-startup", elem_classes="progress")
        self.timer = gr.Timer(SECONDS, active=self.any)

    def listen(self) -> None:
        if self.any:
            self.timer.tick(self.update, outputs=[self.line, self.timer], **QUIET)

    def update(self) -> tuple[str, gr.Timer]:
        """The line, and whether to ask again."""
        return startup_line(), gr.Timer(active=not STARTUP.over)
