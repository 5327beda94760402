"""The endpoints for programs, registered on the page: `gradio_client`, curl and MCP call them by name."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gradio as gr

from deepfake_core.ui.programs import parameters
from deepfake_core.ui.programs.requests import Requests
from deepfake_core.ui.server.parameters import Parameter
from deepfake_core.ui.server.sessions import EXAMINED
from deepfake_core.ui.services import Services
from deepfake_core.ui.wiring import NETWORK, RUNS

LISTED = "models"


@dataclass(frozen=True, kw_only=True, slots=True)
class Endpoint:
    """A function that programs may call."""

    name: str
    function: Callable[..., Any]
    parameters: tuple[Parameter, ...]
    lane: str
    """Its concurrency id: the lane of the page's own runs, or of Verify."""
    limit: int
    """How many may run at the same time."""
    makes_files: bool = True

    @property
    def about(self) -> str:
        """What it does, on one line."""
        return " ".join((self.function.__doc__ or "").split())

    def register(self, page: gr.Blocks) -> None:
        """Add it to the page; nothing on the page triggers it."""
        inputs = [one.component() for one in self.parameters]
        facts = gr.JSON(label="facts")
        page.default_config.set_event_trigger(
            [],
            self.function,
            inputs,
            [gr.File(label="files", file_count="multiple"), facts] if self.makes_files else [facts],
            preprocess=False,  # untrusted files are opened only by our own readers
            api_name=self.name,
            api_description=self.about,
            api_visibility="public",
            show_progress="hidden",
            trigger_mode="multiple",
            concurrency_id=self.lane,
            concurrency_limit=self.limit,
        )


def endpoints(services: Services) -> tuple[Endpoint, ...]:
    """All endpoints."""
    does = Requests(services)
    network: dict[str, Any] = {"lane": NETWORK, "limit": RUNS}
    return (
        Endpoint(name="animate", function=does.animate, parameters=parameters.animate(), **network),
        Endpoint(name="translate", function=does.translate, parameters=parameters.translate(), **network),
        Endpoint(name="edit", function=does.edit, parameters=parameters.edit(), **network),
        Endpoint(name="style", function=does.style, parameters=parameters.style(), **network),
        Endpoint(
            name="verify", function=does.verify, parameters=parameters.verify(), lane=EXAMINED, limit=2,
            makes_files=False,
        ),
        Endpoint(
            name="models", function=does.models, parameters=parameters.models(), lane=LISTED, limit=2,
            makes_files=False,
        ),
    )  # fmt: skip


def register(page: gr.Blocks, services: Services) -> None:
    """Add all endpoints to the page, whose browser never renders their components."""
    with gr.Column(visible=False):
        for one in endpoints(services):
            one.register(page)
