"""The values of the StarGAN v2 tab, and the requests that they make."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deepfake_core.errors import BadRequest
from deepfake_core.settings import settings
from deepfake_core.ui.server.uploaded import Upload, Uploads, chosen, paths_of
from deepfake_core.ui.tabs.starganv2.latents import latents
from deepfake_core.ui.tabs.starganv2.references import MOST, Slot, references
from deepfake_core.ui.widgets.gallery import MOST as MOST_CARDS

if TYPE_CHECKING:
    from deepfake_core.faces import Crop
    from deepfake_core.pipelines.style_specs import Style
    from deepfake_core.pipelines.styles import GridRequest, InterpolationRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class StylesForm:
    """The values of the tab's widgets."""

    source: Upload
    more: Uploads
    """Further sources, the rows of a grid."""
    model: str | None
    crop: str
    """`auto` or `none`."""
    way: str
    """`references` or `seed`."""
    domain: str | None
    seed: float | int | None
    truncation: float | int
    references: Sequence[Slot]

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> "StylesForm":
        """From the values of the tab's inputs, by name; those of the references are gathered."""
        own = {field.name: values[field.name] for field in fields(cls) if field.name != "references"}
        return cls(**own, references=Slot.all_of(values))

    def sources(self) -> tuple[Path, ...]:
        """The rows of the grid. Raises `BadRequest` without a picture, or with too many."""
        paths = (chosen(self.source, "picture"), *paths_of(self.more))
        if len(paths) > MOST:
            raise BadRequest(f"{len(paths)} sources are too many for a grid; it takes {MOST}")
        return paths

    def files(self) -> tuple[Path, ...]:
        """Everything that a result is made of."""
        given = (self.source, *(self.more or ()), *(slot.picture for slot in self.references))
        return paths_of([upload for upload in given if upload])

    def styles(self, guess: Callable[[Upload], str]) -> "tuple[Style, ...]":
        """The styles that the form asks for; `guess` finds the domain of a reference that has none yet.

        Raises `BadRequest` without any.
        """
        if self.way == "seed":
            return tuple(latents(self.domain, self.seed, self.truncation))
        found = references(self.references, guess)
        if not found:
            raise BadRequest("there is no reference yet; upload a picture or click an example")
        return tuple(found)

    def grid(self, styles: "tuple[Style, ...]") -> "GridRequest":
        """The grid of the form's sources and these styles, and its cells if there are places for all of them."""
        from deepfake_core.pipelines.styles import GridRequest

        sources = self.sources()
        return GridRequest(
            sources=sources,
            styles=styles,
            crop=self._crop,
            cells=len(sources) * len(styles) <= MOST_CARDS,
            max_pixels=settings().run_pixels,
        )

    def interpolation(
        self, styles: "Sequence[Style]", start: float | int | None, end: float | int | None, **more: Any
    ) -> "InterpolationRequest":
        """The interpolation from one of the styles to another, counted from 1."""
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
            crop=self._crop,
            max_pixels=settings().run_pixels,
            **more,
        )

    @property
    def _crop(self) -> "Crop":
        from deepfake_core.faces import crop_named

        return crop_named(self.crop)
