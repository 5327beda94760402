"""The CycleGAN tab: a picture, the same picture in the other domain, and the way back."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.blocks import Block

from deepfake_core.deadline import Deadline
from deepfake_core.registry import method
from deepfake_core.settings import settings
from deepfake_core.ui.cards import Cards
from deepfake_core.ui.compare import Comparison
from deepfake_core.ui.examples import ExampleRow
from deepfake_core.ui.form import Upload, Uploads, Withheld, chosen, path_of
from deepfake_core.ui.models import ModelChoice
from deepfake_core.ui.picture import PictureInput
from deepfake_core.ui.runs import Job, RunButtons
from deepfake_core.ui.services import Services
from deepfake_core.ui.several import SeveralPictures, all_chosen
from deepfake_core.ui.singles import Captioned
from deepfake_core.ui.stage import Stage, bar, count, state
from deepfake_core.ui.trouble import Update
from deepfake_core.ui.view import SCENE_CROPS, Preview

if TYPE_CHECKING:
    from deepfake_core.pipelines.image_batch import Finished
    from deepfake_core.pipelines.translation import Translated, TranslationRequest

PLACE = "translation-"
HINT = "Press <strong>Translate</strong>: the picture appears here, before and after, and on its way back."
ABOUT = """
Two networks learn from two piles of pictures, of which no two belong together: one paints horses as zebras, the other
zebras as horses. What holds them to the picture is the **way back**: there and back again must give what went in.
The mean difference |x − back| is the paper's cycle loss. Pixels go from −1 to 1, so 0 is perfect and 2 the worst.
([CycleGAN, Zhu et al., ICCV 2017](https://arxiv.org/abs/1703.10593))
"""


@dataclass(frozen=True, slots=True)
class TranslationForm:
    """The values of the tab's widgets, in the order in which the handlers receive them."""

    model: str | None
    crop: Any
    """`auto` or `whole`."""
    paste_back: bool
    back: bool

    def request(self, sources: tuple[Path, ...], folder: Path) -> "TranslationRequest":
        """The translation that the form asks for, written into `folder`."""
        from deepfake_core.pipelines.translation import TranslationRequest

        return TranslationRequest(
            sources=sources,
            output=folder,
            crop=self.crop,
            paste_back=self.paste_back,
            back=self.back,
            max_pixels=settings().run_pixels,
        )


class TranslationStage(Stage):
    """Before and after, the way back; of several pictures a gallery."""

    def __init__(self) -> None:
        super().__init__(HINT, PLACE)
        self.comparison = Comparison(PLACE, before="Before", after="After")
        self.cards = Cards("Results", f"{PLACE}cards")

    def render_results(self) -> None:
        self.comparison.render()
        with gr.Row(visible=False, elem_classes="way-back") as self.way_back:
            self.back = gr.Image(
                label="And back again", alt_text="The result, translated back", interactive=False, height=200,
                buttons=["download"], elem_id=f"{PLACE}back", elem_classes="media", min_width=160,
            )  # fmt: skip
            self.words = gr.HTML(elem_id=f"{PLACE}words", min_width=160)
        self.cards.render()

    @property
    def results(self) -> list[Block]:
        return [*self.comparison.outputs, self.way_back, self.back, self.words, *self.cards.outputs]

    def cleared(self) -> Update:
        away = {self.way_back: gr.Row(visible=False), self.back: None, self.words: ""}
        return self.comparison.cleared() | away | self.cards.cleared()

    def follow(self, events: "Iterator[Translated | Finished]") -> Iterator[Update]:
        """Show what the pipeline yields."""
        from deepfake_core.pipelines.translation import Translated

        yield {self.progress: state("Translating …")}
        made: list[Captioned] = []
        results: Update = {}
        for event in events:
            if not isinstance(event, Translated):
                text = f"Done: {count(len(made), 'picture')} in {event.seconds:.1f} s."
                yield results | self.done(text, event.notes)  # all at once, lest the page miss a step
                continue
            made.append((str(event.path), event.name))
            results = self._single(event) if event.total == 1 else self.cards.shown(made)
            yield results | {self.progress: bar("picture", event.place + 1, event.total)}

    def _single(self, done: "Translated") -> Update:
        shown = self.comparison.shown(done.before, done.path)
        if done.cycle is None:
            return shown
        return shown | {
            self.way_back: gr.Row(visible=True),
            self.back: gr.Image(str(done.back_path) if done.back_path else None, visible=done.back_path is not None),
            self.words: _words(done.cycle.error, done.cycle.note),
        }


def _words(error: float | None, note: str) -> str:
    """How much of the picture came back."""
    if error is None:
        return f"<p>{note}</p>"
    share = "almost all" if error < 0.05 else "most" if error < 0.15 else "some" if error < 0.3 else "little"
    return (
        f"<p><strong>Back again: off by {error:.2f} of 2.</strong></p>"
        f"<p>That is the mean difference |x − back|: {share} of the picture came back.</p>"
    )


class TranslationTab:
    """Puts the parts together, and runs the pipeline when Translate is pressed."""

    title = method("cyclegan").title

    def __init__(self, services: Services) -> None:
        self.engine, self.cache, examples = services.engine, services.cache, services.examples
        self.models = ModelChoice("cyclegan", PLACE)
        self.rows = {
            species: ExampleRow(f"Example {species}s", _named(examples.fields, species), PLACE)
            for species in ("horse", "zebra")
        }
        self.source = PictureInput("Picture", f"{PLACE}source", list(self.rows.values()))
        self.preview = Preview("picture", self.models)
        self.several = SeveralPictures("Translate all", PLACE)
        self.stage = TranslationStage()
        self.buttons = RunButtons("Translate", self.stage)

    def render(self) -> None:
        with gr.Tab(self.title) as self.tab:
            with gr.Row(elem_classes="studio"):
                with gr.Column(scale=6, min_width=300):
                    self.models.render()
                    self.source.render()
                    self.preview.render()
                    with gr.Accordion("Options", open=False):
                        self.crop = gr.Radio(SCENE_CROPS, value="auto", label="Crop")
                        with gr.Row():
                            self.paste_back = gr.Checkbox(
                                False, label="Paste back", info="Put the square into the whole picture again."
                            )
                            self.back = gr.Checkbox(True, label="Way back", info="Translate the result back as well.")
                    self.several.render()
                    self.models.render_others()
                with gr.Column(scale=5, min_width=300):
                    self.buttons.render()
                    self.stage.render()
            with gr.Accordion("How it works", open=False):
                gr.Markdown(ABOUT)

    def listen(self, page: gr.Blocks) -> None:
        ready = self.models.listen(self.tab)
        self.source.listen(page)
        self.preview.listen([ready], self.source.file, self.crop)
        self.stage.listen(self.crop)
        for trigger in (ready, self.models.name.input):
            trigger(
                self.turn_round,
                inputs=[self.models.name, self.source.file],
                outputs=[self.source.file, *(row.column for row in self.rows.values())],
                preprocess=False,
                queue=False,
                show_progress="hidden",
                api_visibility="private",
            )
        form = [self.models.name, self.crop, self.paste_back, self.back]
        clicks = [click for row in self.rows.values() for click in row.clicked]
        self.buttons.listen(
            [
                Job(triggers=[self.buttons.start.click, *clicks], run=self.one, inputs=[self.source.file, *form]),
                Job(triggers=[self.several.start.click], run=self.all, inputs=[self.several.files, *form]),
            ]
        )

    def one(self, deadline: Deadline, upload: Upload, *values: Any) -> Iterator[Update]:
        """Translate the picture."""
        yield from self._translate((chosen(upload, "picture"),), TranslationForm(*values), deadline)

    def all(self, deadline: Deadline, uploads: Uploads, *values: Any) -> Iterator[Update]:
        """Translate the files of the list."""
        form = TranslationForm(*values)
        yield from self._translate(all_chosen(uploads), replace(form, back=False), deadline)

    def _translate(self, sources: tuple[Path, ...], form: TranslationForm, deadline: Deadline) -> Iterator[Update]:
        from deepfake_core.pipelines.translation import translate

        events = self.cache.events(
            sources,
            f"{sources} {form}",
            lambda folder: self.engine.work("cyclegan", form.model, translate, form.request(sources, folder), deadline),
        )
        with closing(events):  # type: ignore[type-var]
            yield from self.stage.follow(events)

    def turn_round(self, model: str | None, upload: Upload) -> Update:
        """The examples that fit the direction; an example of the other one makes place for the first of them."""
        source = (model or "").rpartition("-")[2].partition("2")[0]
        fitting = source in self.rows
        shown: Update = {
            row.column: gr.Column(visible=bool(row.paths) and (not fitting or name == source))
            for name, row in self.rows.items()
        }
        path = None if isinstance(upload, Withheld) else path_of(upload)  # an example is never withheld
        others = [other for name, row in self.rows.items() if name != source for other in row.paths]
        if fitting and self.rows[source].paths and path and path.name in {other.name for other in others}:
            shown[self.source.file] = str(self.rows[source].paths[0])
        return shown


def _named(paths: list[Path], beginning: str) -> list[Path]:
    return [path for path in paths if path.name.startswith(beginning)]
