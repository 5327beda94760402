"""The pictures that styles are read from, and the domain of each."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from deepfake_core.deadline import Deadline
from deepfake_core.errors import LabError
from deepfake_core.settings import settings
from deepfake_core.ui.server.inference import Engine
from deepfake_core.ui.server.uploaded import Upload, chosen
from deepfake_core.ui.widgets.errors import Update
from deepfake_core.ui.widgets.examples import ExampleRow
from deepfake_core.ui.wiring import ON_NETWORK

if TYPE_CHECKING:
    from deepfake_core.pipelines.style_specs import Reference

MOST = 6
"""Columns of a grid, as the pipeline has them."""


@dataclass(frozen=True, slots=True)
class Slot:
    """The values of one place for a reference."""

    picture: Upload
    domain: str | None

    @classmethod
    def all_of(cls, values: Mapping[str, Any]) -> "tuple[Slot, ...]":
        """Those of `References.inputs`."""
        numbers = range(1, MOST + 1)
        return tuple(cls(values[f"picture_{number}"], values[f"domain_{number}"]) for number in numbers)


class References:
    """Six places for a picture and its domain; the ones that are filled are seen, and the next."""

    def __init__(self, engine: Engine, place: str, rows: dict[str, ExampleRow]) -> None:
        self.engine, self.place = engine, place
        self.rows = rows
        """Subject of the weights -> the examples that suit them."""
        self.columns: list[gr.Column] = []
        self.pictures: list[gr.Image] = []
        self.domains: list[gr.Dropdown] = []

    def render(self) -> None:
        with gr.Row(elem_classes="slots", elem_id=f"{self.place}references"):
            for number in range(1, MOST + 1):
                self._render_place(number)
        for row in self.rows.values():
            row.render_adding(self.pictures)

    def _render_place(self, number: int) -> None:
        with gr.Column(min_width=110, visible=number == 1) as column:
            picture = gr.Image(
                label=f"Reference {number}", alt_text=f"Reference {number}", type="filepath", image_mode=None,
                sources=["upload"], buttons=[], height=150, elem_classes="media",
            )  # fmt: skip
            domain = gr.Dropdown(
                [], label=f"Reference {number} as", filterable=False, show_label=False, container=False, visible=False
            )
        self.columns.append(column)
        self.pictures.append(picture)
        self.domains.append(domain)

    def listen(self, page: gr.Blocks, model: gr.Dropdown) -> None:
        for row in self.rows.values():
            row.listen(page)
        for number, picture in enumerate(self.pictures):
            picture.change(
                self._asker(number),
                inputs=[picture, model],
                outputs=[self.domains[number], *self.columns[number + 1 : number + 2]],
                preprocess=False,
                trigger_mode="always_last",
                **ON_NETWORK,
            )

    @property
    def inputs(self) -> dict[str, gr.components.Component]:
        """The pictures and their domains by name; see `Slot.all_of`."""
        pictures = {f"picture_{number}": picture for number, picture in enumerate(self.pictures, 1)}
        return pictures | {f"domain_{number}": domain for number, domain in enumerate(self.domains, 1)}

    def filled(self, paths: Sequence[Path]) -> Update:
        """The places with these pictures in them."""
        places = [*map(str, paths), *[None] * MOST][:MOST]
        seen = [gr.Column(visible=place <= len(paths)) for place in range(MOST)]
        return dict(zip([*self.pictures, *self.columns], [*places, *seen], strict=True))

    def _asker(self, number: int) -> "Callable[[Upload, str | None], Update]":
        def ask(upload: Upload, model: str | None) -> Update:
            """The domains of one place, with a guess chosen; a filled place shows the next one."""
            update = Update()
            if upload and number + 1 < MOST:
                update[self.columns[number + 1]] = gr.Column(visible=True)
            if model is None:
                return update or {self.domains[number]: gr.skip()}
            domains = self.engine.model("starganv2", model).domains
            deadline = Deadline.after(settings().look_seconds)
            guess = self.guess(upload, domains, deadline) if upload else domains[0]
            shown = gr.Dropdown(choices=list(domains), value=guess, visible=bool(upload))
            return update | {self.domains[number]: shown}

        return ask

    def guess(self, upload: Upload, domains: Sequence[str], deadline: Deadline) -> str:
        """The domain in an example's name, or the sex that the attribute classifier sees in time; else the first."""
        from deepfake_core.faces import Face
        from deepfake_core.pipelines.attributes import read_attributes

        try:
            path = chosen(upload, "reference")
            named = next((domain for domain in domains if path.name.startswith(f"{domain}-")), None)
            if named or set(domains) != {"female", "male"}:
                return named or domains[0]
            seen = self.engine.ask("stargan", None, read_attributes, path, Face(), deadline)
        except LabError:  # no face, no classifier, no time, or no consent yet: the visitor chooses
            return domains[0]
        return "male" if seen.get("Male", 0.0) >= 0.5 else "female"


def references(slots: "Sequence[Slot]", guess: Callable[[Upload], str]) -> "list[Reference]":
    """The styles that filled slots mean; `guess` finds the domain of one that has none yet."""
    from deepfake_core.pipelines.style_specs import Reference

    return [
        Reference(image=chosen(slot.picture, "reference"), domain=slot.domain or guess(slot.picture))
        for slot in slots
        if slot.picture
    ]
