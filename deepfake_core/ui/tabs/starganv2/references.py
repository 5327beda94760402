"""The reference pictures, and the domain of each."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from deepfake_core.deadline import Deadline
from deepfake_core.errors import BadRequest, LabError
from deepfake_core.settings import settings
from deepfake_core.ui.server.uploaded import Upload, chosen
from deepfake_core.ui.services import Services
from deepfake_core.ui.widgets.errors import Update
from deepfake_core.ui.widgets.examples import ExampleRow
from deepfake_core.ui.wiring import READS_NETWORK

if TYPE_CHECKING:
    from deepfake_core.pipelines.style_specs import Reference

MAX_REFERENCES = 6
"""The most columns of a grid, the same as in the pipeline."""


@dataclass(frozen=True, slots=True)
class Slot:
    """The values of one reference slot."""

    picture: Upload
    domain: str | None

    @classmethod
    def all_of(cls, values: Mapping[str, Any]) -> "tuple[Slot, ...]":
        """All slots, from the values of `References.inputs`."""
        numbers = range(1, MAX_REFERENCES + 1)
        return tuple(cls(values[f"picture_{number}"], values[f"domain_{number}"]) for number in numbers)


class References:
    """Six slots for a picture and its domain; the filled ones and the next are visible."""

    def __init__(self, services: Services, prefix: str, rows: dict[str, ExampleRow]) -> None:
        self.services, self.prefix = services, prefix
        self.rows = rows
        """Subject of the weights -> examples."""
        self.columns: list[gr.Column] = []
        self.pictures: list[gr.Image] = []
        self.domains: list[gr.Dropdown] = []

    def render(self) -> None:
        with gr.Row(elem_classes="slots", elem_id=f"{self.prefix}references"):
            for number in range(1, MAX_REFERENCES + 1):
                self._render_slot(number)
        for row in self.rows.values():
            row.render_adding(self.pictures)

    def _render_slot(self, number: int) -> None:
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
                self._domain_updater(number),
                inputs=[picture, model],
                outputs=[self.domains[number], *self.columns[number + 1 : number + 2]],
                preprocess=False,
                trigger_mode="always_last",
                **READS_NETWORK,
            )

    @property
    def inputs(self) -> dict[str, gr.components.Component]:
        """Pictures and domains by name; see `Slot.all_of`."""
        pictures = {f"picture_{number}": picture for number, picture in enumerate(self.pictures, 1)}
        return pictures | {f"domain_{number}": domain for number, domain in enumerate(self.domains, 1)}

    def filled(self, paths: Sequence[Path]) -> Update:
        """Fill the slots with these pictures."""
        values = [*map(str, paths), *[None] * MAX_REFERENCES][:MAX_REFERENCES]
        columns = [gr.Column(visible=slot <= len(paths)) for slot in range(MAX_REFERENCES)]
        return dict(zip([*self.pictures, *self.columns], [*values, *columns], strict=True))

    def _domain_updater(self, number: int) -> "Callable[[Upload, str | None], Update]":
        def update_domain(upload: Upload, model: str | None) -> Update:
            """List the domains, select the guessed one, and show the next slot once this one is filled."""
            update = Update()
            if upload and number + 1 < MAX_REFERENCES:
                update[self.columns[number + 1]] = gr.Column(visible=True)
            if model is None:
                return update or {self.domains[number]: gr.skip()}
            engine = self.services.engine
            domains = engine.model("starganv2", engine.weights_for("starganv2", model)).domains
            deadline = Deadline.after(settings().look_seconds)
            guess = self.guess(upload, domains, deadline) if upload else domains[0]
            shown = gr.Dropdown(choices=list(domains), value=guess, visible=bool(upload))
            return update | {self.domains[number]: shown}

        return update_domain

    def guess(self, upload: Upload, domains: Sequence[str], deadline: Deadline) -> str | None:
        """The domain in an example's name, or the sex according to the attribute classifier; else the first domain.

        None for a photograph if the classifier only saw drawings.
        """
        from deepfake_core.faces import Face
        from deepfake_core.pipelines.attributes import read_attributes

        try:
            path = chosen(upload, "reference")
            named = next((domain for domain in domains if path.name.startswith(f"{domain}-")), None)
            if named or set(domains) != {"female", "male"}:
                return named or domains[0]
            reader = self.services.engine.weights_for("stargan", None, path, Face(), deadline)
            seen = self.services.ask("stargan", reader, read_attributes, path, Face(), deadline)
        except LabError:  # no face, classifier, time or consent: the visitor can choose the domain
            return domains[0]
        if seen is None:
            return None
        return "male" if seen.get("Male", 0.0) >= 0.5 else "female"


def references(slots: "Sequence[Slot]", guess: Callable[[Upload], str | None]) -> "list[Reference]":
    """The references in the filled slots; `guess` finds the domain of one without.

    Raises `BadRequest` if it finds none.
    """
    from deepfake_core.pipelines.style_specs import Reference

    found = []
    for number, slot in enumerate(slots, 1):
        if slot.picture:
            image = chosen(slot.picture, "reference")
            if (domain := slot.domain or guess(slot.picture)) is None:
                raise BadRequest(
                    f"the domain of reference {number} is not read from such a picture; choose it below it"
                )
            found.append(Reference(image=image, domain=domain))
    return found
