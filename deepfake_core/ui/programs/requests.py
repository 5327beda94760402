"""What the endpoints do: they build the requests of the command line, and run the same pipelines."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deepfake_core.deadline import Deadline
from deepfake_core.errors import BadRequest
from deepfake_core.hub.manifest import manifest
from deepfake_core.settings import settings
from deepfake_core.ui.server.messages import SMALLER
from deepfake_core.ui.server.uploaded import Upload, path_of
from deepfake_core.ui.services import Services

if TYPE_CHECKING:
    from deepfake_core.pipelines.controls import Region
    from deepfake_core.pipelines.events import Finished, Progress
    from deepfake_core.pipelines.style_specs import Style

Answer = tuple[list[str] | None, dict[str, Any]]
"""Files, and facts about them or about the progress."""


class Requests:
    """The functions behind the endpoints. Values are checked before they get here, and files are private copies."""

    def __init__(self, services: Services) -> None:
        self.services, self.engine = services, services.engine

    def animate(
        self,
        picture: Upload,
        clip: Upload,
        consent: bool,
        model: str | None = None,
        transfer: str = "relative",
        adapt_scale: bool = True,
        strength: float | int = 1.0,
        region: "Region" = "all",
        best_frame: bool = False,
        start: float | int = 0.0,
        smoothing: float | int = 0.0,
        crop: str = "auto",
        face: int = 1,
        paste_back: bool = False,
        side_by_side: bool = False,
    ) -> Iterator[Answer]:
        """Animate a portrait with the motion of a driving clip, by the First Order Motion Model. The first file is an
        MP4 with the clip's sound."""
        from deepfake_core.faces import crop_named
        from deepfake_core.pipelines.animation import AnimationRequest, animate
        from deepfake_core.pipelines.animator import transfer_named

        source, driving = given(picture, "picture"), given(clip, "clip")
        name = f"{source.stem}-{driving.stem}"[:80]
        request = AnimationRequest(
            source=source,
            driving=driving,
            transfer=transfer_named(transfer, adapt_scale, strength),
            best_frame=best_frame,
            start=float(start),
            smoothing=float(smoothing),
            region=region,
            source_crop=crop_named(crop, face=int(face)),
            driving_crop=crop_named(crop),
            paste_back=paste_back,
            max_seconds=settings().clip_seconds,
            max_frames=settings().clip_frames,
        )
        files = {"output": f"{name}.mp4"} | ({"side_by_side": f"{name}-side-by-side.mp4"} if side_by_side else {})
        yield from self._run("fomm", model, animate, request, (source, driving), files)

    def translate(
        self,
        picture: Upload,
        consent: bool,
        model: str | None = None,
        crop: str = "auto",
        paste_back: bool = False,
        back: bool = False,
    ) -> Iterator[Answer]:
        """Translate a picture between two domains, such as horses to zebras, by CycleGAN. The first file is the
        result."""
        from deepfake_core.faces import crop_named
        from deepfake_core.pipelines.translation import TranslationRequest, translate
        from deepfake_core.pipelines.translator import CROPS

        sources = (given(picture, "picture"),)
        request = TranslationRequest(
            sources=sources,
            crop=crop_named(crop, CROPS),
            paste_back=paste_back,
            back=back,
            max_pixels=settings().run_pixels,
        )
        yield from self._run("cyclegan", model, translate, request, sources)

    def edit(
        self,
        picture: Upload,
        changes: dict[str, bool],
        consent: bool,
        model: str | None = None,
        crop: str = "auto",
        face: int = 1,
        paste_back: bool = False,
        strip: bool = False,
    ) -> Iterator[Answer]:
        """Change attributes of a face, such as hair colour, sex or age, by StarGAN. The first file is the result."""
        from deepfake_core.faces import crop_named
        from deepfake_core.pipelines.attributes import AttributesRequest, edit

        sources = (given(picture, "picture"),)
        request = AttributesRequest(
            sources=sources,
            changes=changes,
            crop=crop_named(crop, face=int(face)),
            paste_back=paste_back,
            strip=strip,
            max_pixels=settings().run_pixels,
        )
        yield from self._run("stargan", model, edit, request, sources)

    def style(
        self,
        picture: Upload,
        domain: str,
        consent: bool,
        reference: Upload = None,
        seed: int | None = None,
        truncation: float | int = 1.0,
        model: str | None = None,
        crop: str = "auto",
        face: int = 1,
        paste_back: bool = False,
    ) -> Iterator[Answer]:
        """Redraw a picture in the style of a reference, or in a random style, by StarGAN v2. The first file is the
        result."""
        from deepfake_core.faces import crop_named
        from deepfake_core.pipelines.styles import StyleRequest, restyle

        source, other = given(picture, "picture"), path_of(reference)
        request = StyleRequest(
            source=source,
            style=style_of(other, seed, domain, float(truncation)),
            crop=crop_named(crop, face=int(face)),
            paste_back=paste_back,
        )
        sources = (source, *([other] if other else []))
        yield from self._run("starganv2", model, restyle, request, sources)

    def verify(self, file: Upload) -> dict[str, Any]:
        """What a picture or video states about its origin: its Content Credentials, XMP data and invisible watermark.
        `state` is valid, invalid or none."""
        from deepfake_core.provenance.verify import verify

        deadline = Deadline.after(settings().look_seconds, SMALLER)
        return verify(given(file, "file"), models=manifest(), deadline=deadline).facts()

    def models(self, method: str | None = None) -> dict[str, Any]:
        """All weights that this server knows, and whether they are installed; the first installed ones of a method are
        its default."""
        from deepfake_core.hub.inventory import inventory

        rows = [one for one in inventory() if one.entry.network and method in (None, one.entry.network)]
        return {
            one.entry.name: {
                "method": one.entry.network,
                "title": one.entry.title,
                "about": one.entry.about,
                "installed": one.usable,
                "megabytes": round(one.bytes / 1e6, 1),
                "licence": one.entry.licence,
                "paper": one.entry.paper,
            }
            for one in rows
        }

    def _run(
        self,
        network: str,
        model: str | None,
        pipeline: Callable[..., Any],
        request: Any,
        sources: Sequence[Path],
        files: Mapping[str, str] | None = None,
    ) -> Iterator[Answer]:
        """The answers of a pipeline; the results of examples are cached.

        Without `model`, weights that suit the first source are used. `files`: see `Services.events`; default: a folder.
        """
        deadline = Deadline.after(settings().job_seconds)
        named = self.engine.weights_for(network, model, sources[0], deadline=deadline)
        outputs = files or {"output": ""}
        with self.services.events(
            network, named, pipeline, request, deadline, sources=sources, files=outputs
        ) as events:
            yield from self._answers(network, named, events, deadline)

    def _answers(
        self, network: str, model: str | None, events: "Iterator[Progress | Finished]", deadline: Deadline
    ) -> Iterator[Answer]:
        from deepfake_core.pipelines.events import Progress

        for event in events:
            deadline.check()
            if isinstance(event, Progress):
                yield None, progress_of(event)
            else:
                yield result_of(event, self.engine.model(network, model).name)


def given(upload: Upload, name: str) -> Path:
    """The path of a required file. Raises `BadRequest` if there is none."""
    path = path_of(upload)
    if path is None:
        raise BadRequest(f"{name} must be an uploaded file or the name of an example, got nothing")
    return path


def style_of(reference: Path | None, seed: int | None, domain: str, truncation: float) -> "Style":
    """The style of a reference or of a seed. Raises `BadRequest` unless there is exactly one of them."""
    from deepfake_core.pipelines.style_specs import Latent, Reference

    if (reference is None) == (seed is None):
        got = "neither" if reference is None else "both"
        raise BadRequest(f"a style needs either a reference or a seed, got {got}")
    if reference is not None:
        return Reference(image=reference, domain=domain)
    return Latent(seed=int(seed or 0), domain=domain, truncation=truncation)


def progress_of(event: "Progress") -> dict[str, Any]:
    """The facts about a run that is not finished."""
    return {
        "status": "running",
        "task": event.task,
        "unit": event.unit,
        "done": event.done,
        "total": event.total,
        "seconds_left": event.seconds_left,
    }


def result_of(event: "Finished", model: str) -> Answer:
    """All files, the result first, and the facts about them."""
    files = [*event.of("result"), *(one for one in event.files if one.role != "result")]
    described = [
        {"name": one.path.name, "role": one.role, "caption": one.caption, "facts": dict(one.facts)} for one in files
    ]
    facts = {
        "status": "done", "model": model, "seconds": event.seconds, "notes": list(event.notes), "files": described,
    }  # fmt: skip
    return [str(one.path) for one in files], facts
