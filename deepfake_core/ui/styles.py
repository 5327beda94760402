"""The StarGAN v2 tab: a picture in the looks of references, or in looks drawn at random."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import gradio as gr

from deepfake_core.deadline import Deadline
from deepfake_core.registry import method
from deepfake_core.settings import settings
from deepfake_core.ui.examples import ExampleRow
from deepfake_core.ui.models import ModelChoice
from deepfake_core.ui.picture import PictureInput
from deepfake_core.ui.references import References
from deepfake_core.ui.runs import Job, RunButtons
from deepfake_core.ui.seeds import Seeds
from deepfake_core.ui.services import Services
from deepfake_core.ui.styleform import StylesForm
from deepfake_core.ui.stylestage import PLACE, StylesStage, drawn
from deepfake_core.ui.trouble import Update
from deepfake_core.ui.view import FACE_CROPS, Preview
from deepfake_core.ui.walk import StyleWalk

if TYPE_CHECKING:
    from deepfake_core.pipelines.styles import Style, WalkRequest

WAYS = [("From references", "references"), ("From a seed", "seed")]
VIDEO_FRAMES = 40
"""Of a walk, there and back each: 1.6 seconds."""
ABOUT = """
A **style** is a short list of numbers: everything about the looks of a picture (hair, fur, beard, colours), and
nothing of its pose. One network reads the style of a reference; another makes styles out of random numbers, as many as
one likes; the generator paints the source in any of them. Styles can be mixed like numbers, and that is the walk.
([StarGAN v2, Choi et al., CVPR 2020](https://arxiv.org/abs/1912.01865))
"""


class StylesTab:
    """Puts the parts together, and runs the pipeline when Draw is pressed."""

    title = method("starganv2").title

    def __init__(self, services: Services) -> None:
        self.engine, self.cache, examples = services.engine, services.cache, services.examples
        self.models = ModelChoice("starganv2", PLACE)
        self.rows = {
            "face": ExampleRow("Example portraits", examples.portraits, PLACE),
            "animal": ExampleRow("Example animals", examples.animals, PLACE),
        }
        self.source = PictureInput("Picture", f"{PLACE}source", list(self.rows.values()))
        self.preview = Preview("picture", self.models)
        rows = {
            "face": ExampleRow("Example references", examples.portraits, f"{PLACE}face-"),
            "animal": ExampleRow("Example references", examples.animals, f"{PLACE}animal-"),
        }
        self.references = References(self.engine, PLACE, rows)
        self.seeds = Seeds(PLACE)
        self.stage = StylesStage()
        self.buttons = RunButtons("Draw", self.stage)
        self.walk = StyleWalk(self.engine, PLACE, self.walk_request)

    def render(self) -> None:
        with gr.Tab(self.title) as self.tab:
            with gr.Row(elem_classes="studio"):
                with gr.Column(scale=6, min_width=300):
                    self.models.render()
                    with gr.Row():
                        with gr.Column(min_width=260):
                            self.source.render()
                            self.preview.render()
                        with gr.Column(min_width=260):
                            self._render_looks()
                    self._render_options()
                    self.models.render_others()
                with gr.Column(scale=5, min_width=300):
                    self.buttons.render()
                    self.stage.render()
                    self.walk.render()
            with gr.Accordion("How it works", open=False):
                gr.Markdown(ABOUT)

    def _render_looks(self) -> None:
        self.way = gr.Radio(WAYS, value="references", label="Looks", elem_id=f"{PLACE}way")
        with gr.Column() as self.by_reference:
            self.references.render()
        with gr.Column(visible=False) as self.by_seed:
            self.seeds.render()

    def _render_options(self) -> None:
        with gr.Accordion("Options", open=False):
            self.crop = gr.Radio(FACE_CROPS, value="auto", label="Crop of all")
            self.more = gr.File(
                label="More sources: the rows of a grid", file_count="multiple", file_types=["image"], height=140,
                elem_id=f"{PLACE}more",
            )  # fmt: skip

    @property
    def inputs(self) -> list[gr.components.Component]:
        """In the order of `StylesForm`'s fields."""
        basic = [self.source.file, self.more, self.models.name, self.crop, self.way]
        return [*basic, *self.seeds.inputs, *self.references.inputs]

    def listen(self, page: gr.Blocks) -> None:
        ready = self.models.listen(self.tab)
        self.source.listen(page)
        self.preview.listen([ready], self.source.file, self.crop)
        self.references.listen(page, self.models.name)
        thrown = self.seeds.listen()
        self.stage.listen(self.crop)
        self.walk.listen(self.inputs, self.crop)
        self.way.change(
            lambda way: {
                self.by_reference: gr.Column(visible=way == "references"),
                self.by_seed: gr.Column(visible=way == "seed"),
            },
            inputs=self.way,
            outputs=[self.by_reference, self.by_seed],
            queue=False,
            show_progress="hidden",
            api_visibility="private",
        )
        self.suited = gr.State(None)  # the weights that the examples and domains were chosen for
        pictures = [self.source.file, *self.references.pictures, *self.references.columns]
        for trigger in (ready, self.models.name.input):
            trigger(
                self.suit,
                inputs=[self.models.name, self.suited],
                outputs=[self.suited, self.seeds.domain, *self.references.domains, *pictures, *self._rows()],
                preprocess=False,
                show_progress="hidden",
                concurrency_id="model",
                concurrency_limit=1,
                api_visibility="private",
            )
        clicks = [click for row in self.rows.values() for click in row.clicked]
        video = [self.walk.start, self.walk.end, *self.inputs]
        self.buttons.listen(
            [
                Job(triggers=[self.buttons.start.click, thrown, *clicks], run=self.draw, inputs=self.inputs),
                Job(triggers=[self.walk.video.click], run=self.make_video, inputs=video),
            ]
        )

    def _rows(self) -> list[gr.Column]:
        return [row.column for rows in (self.rows, self.references.rows) for row in rows.values()]

    def suit(self, model: str | None, before: str | None) -> Update:
        """Domains and examples that suit the weights; pictures of another subject make place for examples."""
        if model is None or model == before:
            return {self.suited: before}
        subject, domains = self.models.subject(model), self.engine.model("starganv2", model).domains
        shown: Update = {one: gr.Dropdown(choices=list(domains), value=None) for one in self.references.domains}
        shown[self.seeds.domain] = gr.Dropdown(choices=list(domains), value=domains[0])
        shown[self.suited] = model
        if before is not None and subject == self.models.subject(before):
            return shown
        for rows in (self.rows, self.references.rows):
            shown |= {row.column: gr.Column(visible=name == subject) for name, row in rows.items()}
        pictures = self.rows[subject].paths if subject in self.rows else []
        shown[self.source.file] = str(pictures[0]) if pictures else None
        return shown | self.references.filled(pictures[1::2][:3])

    def draw(self, deadline: Deadline, *values: Any) -> Iterator[Update]:
        """Draw the grid, and each of its pictures alone."""
        from deepfake_core.pipelines.styles import GridRequest

        form = StylesForm.of(*values)
        sources, styles = form.sources(), self._styles(form, deadline)
        synthesizer = self.engine.model("starganv2", form.model)
        request = GridRequest(sources=sources, styles=styles, crop=form.crop, max_pixels=settings().run_pixels)
        events = self.cache.events(
            form.files(),
            f"{synthesizer.name} {request}",
            lambda folder: self.engine.work(
                "starganv2", form.model, drawn, replace(request, output=folder / "grid.png"), folder, deadline
            ),
        )
        with closing(events):  # type: ignore[type-var]
            yield from self.stage.follow(events)

    def make_video(self, deadline: Deadline, start: float | None, end: float | None, *values: Any) -> Iterator[Update]:
        """Make the video of a walk, there and back."""
        from deepfake_core.pipelines.styles import walk

        form = StylesForm.of(*values)
        request = form.walk(self._styles(form, deadline), start, end, steps=VIDEO_FRAMES, and_back=True)
        synthesizer = self.engine.model("starganv2", form.model)
        run = lambda folder: self.engine.work(  # noqa: E731
            "starganv2", form.model, walk, replace(request, output=folder / "walk.mp4"), deadline
        )
        with closing(self.cache.events(form.files(), f"{synthesizer.name} {request}", run)) as events:  # type: ignore[type-var]
            yield from self.stage.follow_video(events)

    def walk_request(
        self, deadline: Deadline, start: float, end: float, *values: Any, **more: Any
    ) -> "tuple[str | None, WalkRequest]":
        """The weights and the walk that the widgets mean."""
        form = StylesForm.of(*values)
        return form.model, form.walk(self._styles(form, deadline), start, end, **more)

    def _styles(self, form: StylesForm, deadline: Deadline) -> "tuple[Style, ...]":
        domains = self.engine.model("starganv2", form.model).domains
        return form.styles(lambda upload: self.references.guess(upload, domains, deadline))
