"""The StarGAN v2 tab: redraw a picture in the styles of references, or in random styles."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from deepfake_core.deadline import NEVER, Deadline
from deepfake_core.registry import method
from deepfake_core.ui.server.example_runs import ExampleRun, example
from deepfake_core.ui.services import Services
from deepfake_core.ui.tabs.starganv2.form import StylesForm
from deepfake_core.ui.tabs.starganv2.inside import FIGURES
from deepfake_core.ui.tabs.starganv2.interpolation import Interpolation
from deepfake_core.ui.tabs.starganv2.latents import LatentInput
from deepfake_core.ui.tabs.starganv2.references import References, Slot
from deepfake_core.ui.tabs.starganv2.stage import PREFIX, StylesStage
from deepfake_core.ui.widgets.address import Linked
from deepfake_core.ui.widgets.crop import FACE_CROPS, Preview
from deepfake_core.ui.widgets.errors import Update
from deepfake_core.ui.widgets.examples import ExampleRow
from deepfake_core.ui.widgets.inputs import Inputs
from deepfake_core.ui.widgets.look_inside import LookInside
from deepfake_core.ui.widgets.model_picker import ModelPicker
from deepfake_core.ui.widgets.picture import PictureInput
from deepfake_core.ui.widgets.run_controls import Job, RunControls
from deepfake_core.ui.widgets.studio import Studio
from deepfake_core.ui.wiring import QUIET, READS_NETWORK

if TYPE_CHECKING:
    from deepfake_core.pipelines.events import Finished
    from deepfake_core.pipelines.style_specs import Style
    from deepfake_core.pipelines.styles import InterpolationRequest

DEFAULTS = {"face": ("mei", "amara", "ben", "chloe")}
"""Subject of the weights -> the example picture, and the references in whose styles it is drawn at first."""
WAYS = [("From references", "references"), ("From a seed", "seed")]
MAX_PREPARED = 2
"""Weights of which examples are made in the background: the best faces and the best animals of the starters."""
VIDEO_FRAMES = 40
"""Frames of an interpolation in each direction: 1.6 seconds."""
PURPOSE = "Give a face or an animal the look of another picture, or a random one; its pose stays."
STARTER_TRAINING = (
    "The starter weights were trained by regression to drawn images whose truth is known, and at the end also against "
    "a small discriminator. The published weights are GANs."
)
ABOUT = f"""
A **style** is a short vector that describes the appearance of a picture (hair, fur, beard, colours) but not its pose.
The style encoder extracts it from a reference; the mapping network generates it from random numbers; the generator
redraws the source in any style. Styles are vectors, so they can be interpolated. {STARTER_TRAINING}
([StarGAN v2, Choi et al., CVPR 2020](https://arxiv.org/abs/1912.01865))
"""


class StylesTab(Studio):
    """Composes the widgets, and runs the pipeline on Draw."""

    title, purpose, about = method("starganv2").title, PURPOSE, ABOUT

    def __init__(self, services: Services) -> None:
        self.services, self.engine, examples = services, services.engine, services.examples
        self.models = ModelPicker("starganv2", PREFIX)
        self.rows = {
            "face": ExampleRow("Example portraits", examples.portraits, PREFIX),
            "animal": ExampleRow("Example animals", examples.animals, PREFIX),
        }
        self.source = PictureInput("Picture", f"{PREFIX}source", list(self.rows.values()), DEFAULTS["face"][0])
        self.preview = Preview("picture", self.models, f"{PREFIX}preview-advice")
        rows = {
            "face": ExampleRow("Example references", examples.portraits, f"{PREFIX}face-"),
            "animal": ExampleRow("Example references", examples.animals, f"{PREFIX}animal-"),
        }
        self.references = References(services, PREFIX, rows)
        self.latents = LatentInput(PREFIX)
        self.stage = StylesStage()
        self.controls = RunControls("Draw", self.stage)
        self.inside = LookInside(PREFIX, FIGURES, self.look_inside)
        self.interpolation = Interpolation(self.engine, PREFIX, self.interpolation_request)
        self.models.advice = [self.preview.advice, self.stage.advice]

    def render_inputs(self) -> None:
        with gr.Row():
            with gr.Column(min_width=260):
                self.source.render()
                self.preview.render()
            with gr.Column(min_width=260):
                self._render_styles()
        self._render_options()

    def render_results(self) -> None:
        super().render_results()
        self.interpolation.render()

    def _render_styles(self) -> None:
        self.way = gr.Radio(WAYS, value="references", label="Styles", elem_id=f"{PREFIX}way")
        with gr.Column() as self.by_reference:
            self.references.render()
        with gr.Column(visible=False) as self.by_seed:
            self.latents.render()

    def _render_options(self) -> None:
        with gr.Accordion("Options", open=False):
            self.crop = gr.Radio(FACE_CROPS, value="auto", label="Crop of all pictures")
            self.more = gr.File(
                label="More sources, one row of the grid each", file_count="multiple", file_types=["image"], height=140,
                elem_id=f"{PREFIX}more",
            )  # fmt: skip

    def listen(self, page: gr.Blocks) -> None:
        ready = self.models.listen(self.tab.select)
        self.source.listen(page)
        self.preview.listen([ready], self.source.file, self.crop)
        self.references.listen(page, self.models.name)
        randomised = self.latents.listen()
        self.stage.listen(self.crop)
        self.current = gr.State(None)  # the weights to which examples and domains belong
        fields = {
            "source": self.source.file, "face": self.preview.faces.chosen, "more": self.more,
            "model": self.models.name, "crop": self.crop,
            "way": self.way, "current": self.current, **self.latents.inputs, **self.references.inputs,
        }  # fmt: skip
        self.inputs, self.video_inputs = Inputs(**fields), Inputs(**self.interpolation.ends, **fields)
        self.interpolation.listen(fields, self.crop)
        self.inside.listen(self.inputs, self.crop)
        shared = {name: one for name, one in fields.items() if name != "current" and not name.startswith("domain_")}
        filled = ["source", "domain", *(name for name in shared if name.startswith("picture_"))]
        self.linked = Linked(inputs=Inputs(**shared), late=filled, settled=[self.current.change])
        self._listen_to_choices([ready, *self.models.changed])
        self._listen_to_buttons(randomised)

    def _listen_to_choices(self, chosen: Sequence[Any]) -> None:
        """Show what belongs to the kind of style, and to the weights when one of `chosen` says that they changed."""
        self.way.change(
            lambda way: {
                self.by_reference: gr.Column(visible=way == "references"),
                self.by_seed: gr.Column(visible=way == "seed"),
            },
            inputs=self.way,
            outputs=[self.by_reference, self.by_seed],
            **QUIET,
        )
        pictures = [self.source.file, *self.references.pictures, *self.references.columns]
        for trigger in chosen:
            trigger(
                self.follow_model,
                inputs=[self.models.name, self.current],
                outputs=[
                    self.current,
                    self.latents.domain,
                    *self.references.domains,
                    *pictures,
                    *self._rows(),
                    *self.interpolation.outputs,
                ],
                preprocess=False,
                **READS_NETWORK,
            )

    def _listen_to_buttons(self, randomised: Any) -> None:
        """Start a run at a click on the button, on a random seed or on an example."""
        clicks = [click for row in self.rows.values() for click in row.clicked]
        start = [self.controls.start.click, randomised, *clicks]
        self.controls.listen(
            [
                Job(triggers=start, run=self.draw, inputs=self.inputs.components),
                Job(
                    triggers=[self.interpolation.video.click],
                    run=self.make_video,
                    inputs=self.video_inputs.components,
                ),
            ]
        )

    def _rows(self) -> list[gr.Column]:
        return [row.column for rows in (self.rows, self.references.rows) for row in rows.values()]

    def follow_model(self, model: str | None, before: str | None) -> Update:
        """Show the domains and examples of the weights; replace pictures of another subject by examples."""
        if model is None or model == before:
            return {self.current: before}
        subject, domains = self.models.subject(model), self._domains(model)
        shown: Update = {one: gr.Dropdown(choices=list(domains), value=None) for one in self.references.domains}
        shown[self.latents.domain] = gr.Dropdown(choices=list(domains), value=domains[0])
        shown[self.current] = model
        if before is not None:
            shown |= self.interpolation.cleared()
            if subject == self.models.subject(before):
                return shown
        for rows in (self.rows, self.references.rows):
            shown |= {row.column: gr.Column(visible=name == subject) for name, row in rows.items()}
        source, *references = self.defaults(subject)
        shown[self.source.file] = str(source) if source else None
        return shown | self.references.filled([path for path in references if path])

    def defaults(self, subject: str) -> tuple[Path | None, ...]:
        """The example picture, and the example references, for weights of a subject."""
        paths = self.rows[subject].paths if subject in self.rows else []
        by_name = {path.stem: path for path in paths}
        named = [by_name[name] for name in DEFAULTS.get(subject, ()) if name in by_name]
        return tuple(named) or (next(iter(paths), None), *paths[1:4])

    def complete(self, values: Mapping[str, Any]) -> StylesForm:
        """The form; with the default references if the page has not yet set its pictures."""
        form = StylesForm.of(values)
        if form.way != "references" or form.current is not None or any(slot.picture for slot in form.references):
            return form
        subject = self.models.subject(self.engine.weights_for("starganv2", form.model))
        references = [Slot({"path": str(path)}, None) for path in self.defaults(subject)[1:] if path]
        return replace(form, references=references)

    def example_runs(self) -> Iterator[ExampleRun]:
        """The picture that is selected at first in its references' styles, then the other ones, for each subject."""
        from deepfake_core.hub.store import choose, installed

        here = installed("starganv2")
        for name in sorted(here, key=lambda one: one != choose("starganv2"))[:MAX_PREPARED]:
            subject = self.models.subject(name)
            first, *references = self.defaults(subject)
            slots = {f"picture_{number}": example(path) for number, path in enumerate(references, 1) if path}
            paths = self.rows[subject].paths if subject in self.rows else []
            for path in sorted(paths, key=lambda one: one != first):
                yield partial(
                    self.draw, NEVER, *self.inputs.defaults(source=example(path), model=name, current=name, **slots)
                )

    def draw(self, deadline: Deadline, *values: Any) -> Iterator[Update]:
        """Draw the grid and its cells."""
        from deepfake_core.pipelines.styles import draw_grid

        form = self.complete(self.inputs.named(values))
        model = self._weights(form, deadline)
        request = form.grid(self._styles(form, model, deadline))
        files = {"output": f"{form.name('in the style of', *form.names)}.png"}
        with self.services.events(
            "starganv2", model, draw_grid, request, deadline, sources=form.files(), files=files
        ) as events:
            yield from self.stage.follow(events, form.made_from(model))

    def look_inside(self, deadline: Deadline, values: Mapping[str, Any]) -> "Iterator[Finished]":
        """The figures of the picture and the selected styles."""
        from deepfake_core.pipelines.styles_insight import StylesInsightRequest, look_inside

        form = self.complete(values)
        model = self._weights(form, deadline)
        request = StylesInsightRequest(grid=form.grid(self._styles(form, model, deadline)), output=Path())
        with self.services.events(
            "starganv2", model, look_inside, request, deadline, sources=form.files(), files={"output": ""}
        ) as events:
            yield from events

    def make_video(self, deadline: Deadline, *values: Any) -> Iterator[Update]:
        """Render the video of an interpolation, forwards and backwards."""
        from deepfake_core.pipelines.styles import interpolate

        named = self.video_inputs.named(values)
        form = self.complete(named)
        model, request = self.interpolation_request(deadline, named, steps=VIDEO_FRAMES, and_back=True)
        files = {"output": f"{form.name('between', *form.names)}.mp4"}
        with self.services.events(
            "starganv2", model, interpolate, request, deadline, sources=form.files(), files=files
        ) as events:
            yield from self.stage.follow_video(events, form.made_from(model))

    def interpolation_request(
        self, deadline: Deadline, values: Mapping[str, Any], **more: Any
    ) -> "tuple[str, InterpolationRequest]":
        """The name of the weights and the request, from the values of the widgets by name."""
        form = self.complete(values)
        model = self._weights(form, deadline)
        styles = self._styles(form, model, deadline)
        return model, form.interpolation(styles, values["start"], values["end"], **more)

    def _weights(self, form: StylesForm, deadline: Deadline) -> str:
        """The name of the weights for the first source."""
        source = form.sources()[0]
        return self.engine.weights_for("starganv2", form.model, source, form.crop_of_source(), deadline)

    def _domains(self, model: str | None) -> tuple[str, ...]:
        """The domains of the weights; those of an automatic choice have the same."""
        domains: tuple[str, ...] = self.engine.model("starganv2", self.engine.weights_for("starganv2", model)).domains
        return domains

    def _styles(self, form: StylesForm, model: str, deadline: Deadline) -> "tuple[Style, ...]":
        domains = self._domains(model)
        return form.styles(lambda upload: self.references.guess(upload, domains, deadline))
