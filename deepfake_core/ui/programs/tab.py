"""The tab For programs: the calls that do what the other tabs are set to, to be copied."""

from collections.abc import Mapping
from typing import Any

import gradio as gr

from deepfake_core.settings import settings
from deepfake_core.ui.programs.current_calls import CALLS, CurrentCalls
from deepfake_core.ui.programs.snippets import by_curl, in_python, on_the_command_line
from deepfake_core.ui.server.routes import API
from deepfake_core.ui.widgets.examples import Examples
from deepfake_core.ui.widgets.inputs import Inputs
from deepfake_core.ui.wiring import QUIET

CHOICES = [
    ("Animate", "animate"),
    ("Translate", "translate"),
    ("Edit", "edit"),
    ("Style", "style"),
    ("Verify", "verify"),
    ("List the weights", "models"),
]
TASKS = {"fomm": "animate", "cyclegan": "translate", "stargan": "edit", "starganv2": "style"}
"""Method -> its endpoint."""
INTRODUCTION = """
Programs can do here what you do with the other tabs, within the same limits. Choose a task: the calls below do it with
the pictures and options that its tab is set to now. A file is the name of an example, or is uploaded. **consent** must
be true for every file that is no example; it confirms that you use only your own face, drawn ones, or faces of people
who have given consent. Results are labelled and signed as on this page.
"""
NO_ADDRESS = "http://localhost:7860"
CLOSED = "The interface for programs is closed on this server; the command line works on your own machine."


class ProgramsTab:
    """The choice of a task, and its calls."""

    title = "For programs"

    def __init__(self, examples: Examples, tabs: Mapping[str, Any]) -> None:
        """`tabs`: method -> its tab, which has its listeners before this one."""
        self.calls, self.tabs, self.is_open = CurrentCalls(examples), tabs, settings().api

    def render(self) -> None:
        with gr.Tab(self.title, elem_id="programs-tab") as self.tab:
            gr.Markdown(INTRODUCTION if self.is_open else CLOSED)
            self.task = gr.Radio(CHOICES, value="animate", label="Task", elem_id="programs-task")
            self.shown = gr.Markdown(elem_id="programs-calls", elem_classes="programs-calls")
            self.address = gr.State(NO_ADDRESS)

    def listen(self, page: gr.Blocks) -> None:
        page.load(address_of_page, outputs=self.address, **QUIET)
        self.inputs = {TASKS[name]: inputs_of(tab) for name, tab in self.tabs.items() if name in TASKS}
        components = [one for inputs in self.inputs.values() for one in inputs.components]
        gr.on(
            [self.tab.select, self.task.input],
            self.write,
            inputs=[self.task, self.address, *components],
            outputs=self.shown,
            preprocess=False,
            **QUIET,
        )

    def write(self, task: str, address: str, *values: Any) -> str:
        """The calls of the chosen task as Markdown, whose code blocks have buttons to copy them."""
        named, rest = dict[str, Mapping[str, Any]](), list(values)
        for name, inputs in self.inputs.items():
            own, rest = rest[: len(inputs.components)], rest[len(inputs.components) :]
            named[name] = inputs.named(own)
        call = CALLS[task](self.calls, named.get(task, {}))
        parts = [_block("Command line, on your own machine", on_the_command_line(call))]
        if self.is_open:
            parts = [
                _block("Python, after pip install gradio_client", in_python(call, address)),
                _block("curl", by_curl(call, address)),
                *parts,
                _block("Settings of an AI assistant (MCP)", mcp_settings(address)),
            ]
        return "\n\n".join(parts)


def mcp_settings(address: str) -> str:
    """The entry in an MCP client's settings."""
    return f'{{"mcpServers": {{"deepfake-lab": {{"url": "{address}{API}mcp"}}}}}}'


def address_of_page(request: gr.Request) -> str:
    """The address under which the visitor has opened the page; its host has been checked."""
    host = request.headers.get("host")
    return f"{request.request.url.scheme}://{host}" if host and request.request else NO_ADDRESS


def _block(title: str, code: str) -> str:
    return f"## {title}\n\n````\n{code}\n````"  # without a language: the colours of its words lack contrast


def inputs_of(tab: Any) -> Inputs:
    """The inputs of a tab: those of its run on one picture."""
    found: Inputs = tab.one if hasattr(tab, "one") else tab.inputs
    return found
