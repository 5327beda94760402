"""The events of a finished run as JSON beside its files, so that they can be read again later."""

import json
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Any

from deepfake_core.errors import BadRequest
from deepfake_core.pipelines.events import File, Finished, Progress

Event = Progress | Finished


def to_json(events: Iterable[Event], folder: Path) -> str:
    """The events as JSON, with paths relative to `folder`. Raises `ValueError` for a file outside it."""
    return json.dumps([_plain(event, folder) for event in events])


def from_json(text: str, folder: Path) -> list[Event]:
    """The events that `to_json` wrote, with their files in `folder`. Raises `BadRequest` for any other text."""
    try:
        return [_event(one, folder) for one in json.loads(text)]
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise BadRequest(f"these are no stored events ({error}); remove them") from error


def _plain(event: Event, folder: Path) -> dict[str, Any]:
    files = [
        {"path": file.path.relative_to(folder).as_posix(), "role": file.role, "caption": file.caption,
         "facts": dict(file.facts)}
        for file in event.files
    ]  # fmt: skip
    if isinstance(event, Finished):
        return {"event": "finished", "files": files, "notes": list(event.notes), "seconds": event.seconds}
    return {"event": "progress", "files": files, "done": event.done, "total": event.total, "unit": event.unit}


def _event(one: dict[str, Any], folder: Path) -> Event:
    files = tuple(
        File(path=folder / _inside(file["path"]), role=file["role"], caption=file["caption"], facts=file["facts"])
        for file in one["files"]
    )
    if one["event"] == "finished":
        return Finished(files=files, notes=tuple(map(str, one["notes"])), seconds=float(one["seconds"]))
    return Progress(done=int(one["done"]), total=one["total"], unit=str(one["unit"]), files=files)


def _inside(path: str) -> PurePosixPath:
    """A path that stays in its folder. Raises `ValueError` for another."""
    inside = PurePosixPath(path)
    if inside.is_absolute() or ".." in inside.parts or not inside.parts:
        raise ValueError(f"{path!r} is outside its folder")
    return inside
