"""Look inside: the intermediate results of a tab's network for the chosen picture, as explained figures."""

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.blocks import Block

from deepfake_core.deadline import Deadline
from deepfake_core.settings import settings
from deepfake_core.ui.widgets.errors import ErrorMessage, Update
from deepfake_core.ui.widgets.explained import Explained
from deepfake_core.ui.widgets.inputs import Inputs
from deepfake_core.ui.wiring import READS_NETWORK

if TYPE_CHECKING:
    from deepfake_core.pipelines.events import Finished

TITLE = "Look inside"
INTRODUCTION = "Each figure shows a step of the network on the picture that is chosen above."


class LookInside:
    """The accordion below a tab. Nothing is computed before it is opened."""

    def __init__(
        self,
        prefix: str,
        figures: Mapping[str, Explained],
        run: "Callable[[Deadline, Mapping[str, Any]], Iterator[Finished]]",
    ) -> None:
        """`figures` by the captions of the files that `run(deadline, values)` yields, whose values are by name."""
        self.prefix, self.figures, self.run = prefix, figures, run
        self.error_message = ErrorMessage()

    def render(self) -> None:
        with gr.Accordion(TITLE, open=False, elem_id=f"{self.prefix}inside") as self.accordion:
            with gr.Row(elem_classes="inside-head"):
                gr.Markdown(INTRODUCTION)
                self.again = gr.Button("Draw again", scale=0, min_width=130)
            self.error_message.render()
            with gr.Row(elem_classes="inside-figures"):
                shown = {name: one.render() for name, one in self.figures.items()}
        self.columns = {name: column for name, (column, _) in shown.items()}
        self.pictures = {name: picture for name, (_, picture) in shown.items()}

    def listen(self, inputs: Inputs, crop: gr.Radio) -> None:
        self.inputs = inputs
        gr.on(
            [self.accordion.expand, self.again.click],
            self.look,
            inputs=inputs.components,
            outputs=self.outputs,
            preprocess=False,
            trigger_mode="always_last",
            show_progress_on=list(self.pictures.values()),
            **{**READS_NETWORK, "show_progress": "minimal"},
        )
        self.error_message.listen(crop)

    @property
    def outputs(self) -> list[Block]:
        return [*self.error_message.outputs, *self.columns.values(), *self.pictures.values()]

    def look(self, *values: Any) -> Iterator[Update]:
        """Draw the figures; a generator, so that it can be cancelled."""
        try:
            yield from self.drawn(Deadline.after(settings().job_seconds), *values)
        except Exception as error:
            yield self.error_message.show(error)

    def drawn(self, deadline: Deadline, *values: Any) -> Iterator[Update]:
        """The updates of `look`; raises its errors. Figures that these weights do not have are hidden."""
        for event in self.run(deadline, self.inputs.named(values)):
            files = {file.caption: str(file.path) for file in event.files}
            shown: Update = {column: gr.Column(visible=name in files) for name, column in self.columns.items()}
            pictures = {picture: files.get(name) for name, picture in self.pictures.items()}
            yield self.error_message.clear() | shown | pictures
