"""What the visitor filled in on the StarGAN v2 tab, and the requests that it makes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deepfake_core.errors import BadRequest
from deepfake_core.settings import settings
from deepfake_core.ui.form import Upload, Uploads, chosen, paths_of
from deepfake_core.ui.references import MOST, references
from deepfake_core.ui.seeds import latents

if TYPE_CHECKING:
    from deepfake_core.pipelines.styles import Style, WalkRequest


@dataclass(frozen=True, slots=True)
class StylesForm:
    """The values of the tab's widgets, in the order in which the handlers receive them."""

    source: Upload
    more: Uploads
    """Further sources, the rows of a grid."""
    model: str | None
    crop: Any
    """`auto` or `none`."""
    way: str
    """`references` or `seed`."""
    domain: str | None
    seed: float | None
    truncation: float
    references: Sequence[Any]
    """The values of `References.inputs`."""

    @classmethod
    def of(cls, *values: Any) -> "StylesForm":
        """From the widgets' values: the references' pictures and domains come last."""
        named = len(values) - 2 * MOST
        return cls(*[*values[:named], values[named:]])

    def sources(self) -> tuple[Path, ...]:
        """The rows of the grid. Raises `BadRequest` without a picture, or with too many."""
        paths = (chosen(self.source, "picture"), *paths_of(self.more))
        if len(paths) > MOST:
            raise BadRequest(f"{len(paths)} sources are too many for a grid; it takes {MOST}")
        return paths

    def files(self) -> tuple[Path, ...]:
        """Everything that a result is made of."""
        given = (self.source, *(self.more or ()), *self.references[:MOST])
        return paths_of([upload for upload in given if upload])

    def styles(self, guess: Callable[[Upload], str]) -> "tuple[Style, ...]":
        """The looks that the form asks for; `guess` finds the domain of a reference that has none yet.

        Raises `BadRequest` without any looks.
        """
        if self.way == "seed":
            return tuple(latents(self.domain, self.seed, self.truncation))
        found = references(self.references, guess)
        if not found:
            raise BadRequest("there is no reference yet; upload a picture or click an example")
        return tuple(found)

    def walk(self, styles: "Sequence[Style]", start: float | None, end: float | None, **more: Any) -> "WalkRequest":
        """The walk from one of the styles to another, counted from 1."""
        from deepfake_core.pipelines.styles import WalkRequest

        first, last = int(start or 0), int(end or 0)
        if not (1 <= first <= len(styles) and 1 <= last <= len(styles) and first != last):
            raise BadRequest(f"a walk needs two different styles between 1 and {len(styles)}; add one, or change them")
        source = chosen(self.source, "picture")
        return WalkRequest(
            source=source,
            start=styles[first - 1],
            end=styles[last - 1],
            crop=self.crop,
            max_pixels=settings().run_pixels,
            **more,
        )
