"""The form of the StarGAN v2 tab, and its requests."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deepfake_core.errors import BadRequest
from deepfake_core.settings import settings
from deepfake_core.ui.server.uploaded import Upload, Uploads, chosen, paths_of
from deepfake_core.ui.tabs.starganv2.latents import latents
from deepfake_core.ui.tabs.starganv2.references import MAX_REFERENCES, Slot, references
from deepfake_core.ui.widgets.face_choice import ChosenFace, face_number
from deepfake_core.ui.widgets.gallery import MAX_PICTURES
from deepfake_core.ui.widgets.stage import made_from, result_name

if TYPE_CHECKING:
    from deepfake_core.faces import Crop
    from deepfake_core.pipelines.style_specs import Style
    from deepfake_core.pipelines.styles import GridRequest, InterpolationRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class StylesForm:
    """The values of the tab's widgets."""

    source: Upload
    face: ChosenFace | None
    more: Uploads
    """Further sources, one row of the grid each."""
    model: str | None
    crop: str
    """`auto` or `none`."""
    way: str
    """`references` or `seed`."""
    domain: str | None
    seed: float | int | None
    truncation: float | int
    current: str | None = None
    """The weights for which the page has set its pictures; None before it has."""
    references: Sequence[Slot]

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> "StylesForm":
        """From the values of the tab's inputs by name."""
        own = {field.name: values[field.name] for field in fields(cls) if field.name != "references"}
        return cls(**own, references=Slot.all_of(values))

    def sources(self) -> tuple[Path, ...]:
        """The rows of the grid. Raises `BadRequest` if there are none, or more than `MAX_REFERENCES`."""
        paths = (chosen(self.source, "picture"), *paths_of(self.more))
        if len(paths) > MAX_REFERENCES:
            raise BadRequest(f"a grid may have at most {MAX_REFERENCES} sources, got {len(paths)}; choose fewer")
        return paths

    @property
    def names(self) -> tuple[str, ...]:
        """What the styles are taken from, for the name of a result."""
        if self.way == "seed":
            return (f"{self.domain or 'style'} {int(self.seed or 0)}",)
        return tuple(path.stem for path in paths_of([slot.picture for slot in self.references if slot.picture]))

    def name(self, *between: str) -> str:
        """The name of a result without its suffix."""
        return result_name(chosen(self.source, "picture").stem, *between)

    def made_from(self, weights: str) -> str:
        """What the result was made from, as a sentence."""
        styles = (
            (f"seed {int(self.seed or 0)}",) if self.way == "seed" else tuple(f"style {name}" for name in self.names)
        )
        return made_from(weights, *(f"picture {path.stem}" for path in self.sources()), *styles)

    def files(self) -> tuple[Path, ...]:
        """All input files of a result."""
        given = (self.source, *(self.more or ()), *(slot.picture for slot in self.references))
        return paths_of([upload for upload in given if upload])

    def styles(self, guess: Callable[[Upload], str | None]) -> "tuple[Style, ...]":
        """The selected styles; `guess` finds the domain of a reference without one.

        Raises `BadRequest` if there are none.
        """
        if self.way == "seed":
            return tuple(latents(self.domain, self.seed, self.truncation))
        found = references(self.references, guess)
        if not found:
            raise BadRequest("no reference is selected; upload a picture or click an example")
        return tuple(found)

    def grid(self, styles: "tuple[Style, ...]") -> "GridRequest":
        """The request for the grid, with its cells if they all fit into the gallery."""
        from deepfake_core.pipelines.styles import GridRequest

        sources = self.sources()
        return GridRequest(
            sources=sources,
            styles=styles,
            crop=self._crop(self.source if len(sources) == 1 else None),
            cells=len(sources) * len(styles) <= MAX_PICTURES,
            max_pixels=settings().run_pixels,
        )

    def interpolation(
        self, styles: "Sequence[Style]", start: float | int | None, end: float | int | None, **more: Any
    ) -> "InterpolationRequest":
        """The request for the interpolation from style number `start` to `end`, counted from 1."""
        from deepfake_core.pipelines.styles import InterpolationRequest

        first, last = int(start or 0), int(end or 0)
        if not (1 <= first <= len(styles) and 1 <= last <= len(styles) and first != last):
            raise BadRequest(
                f"an interpolation needs two different styles between 1 and {len(styles)}, got {first} and {last}; add "
                "one, or change them"
            )
        return InterpolationRequest(
            source=chosen(self.source, "picture"),
            start=styles[first - 1],
            end=styles[last - 1],
            crop=self._crop(self.source),
            max_pixels=settings().run_pixels,
            **more,
        )

    def crop_of_source(self) -> "Crop":
        """The crop of the first source."""
        return self._crop(self.source)

    def _crop(self, only: Upload) -> "Crop":
        """The crop; the chosen face counts if `only` is the single picture to be cropped."""
        from deepfake_core.faces import crop_named

        return crop_named(self.crop, face=face_number(self.face, only))
