"""The call that does what a tab is set to."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from deepfake_core.ui.programs import parameters
from deepfake_core.ui.programs.snippets import Call, ExampleFile, OwnFile
from deepfake_core.ui.server.parameters import Parameter
from deepfake_core.ui.server.uploaded import Upload, Withheld, path_of
from deepfake_core.ui.widgets.examples import Examples
from deepfake_core.ui.widgets.face_choice import face_number

Values = Mapping[str, Any]
"""The values of a tab's inputs by name."""
NO_NAME = "your-file"
"""For a file that the visitor has chosen but not consented to use, so that its name is not known."""
BLOND = {"Blond_Hair": True}
"""The change that is shown while nothing is changed."""
SEED = 7


class CurrentCalls:
    """The calls of the endpoints, from the tabs' current values."""

    def __init__(self, examples: Examples) -> None:
        self._examples = examples
        self._known = {path.name: path for path in (*examples.pictures, *examples.clips)}

    def animate(self, values: Values) -> Call:
        """Of the Image Animation tab."""
        asked = {
            "picture": self._file(values.get("source"), self._examples.portraits, ".png"),
            "clip": self._file(values.get("driving"), self._examples.clips, ".mp4"),
            "transfer": values.get("motion"),
            "face": _face(values.get("source_face"), values.get("source")),
            **_taken(
                values,
                "model",
                "adapt_scale",
                "strength",
                "region",
                "best_frame",
                "start",
                "smoothing",
                "crop",
                "paste_back",
            ),
            "side_by_side": values.get("side_by_side"),
        }
        return _call("animate", parameters.animate(), asked)

    def translate(self, values: Values) -> Call:
        """Of the CycleGAN tab."""
        asked = {
            "picture": self._file(values.get("source"), self._examples.fields, ".png"),
            **_taken(values, "model", "crop", "paste_back", "back"),
        }
        return _call("translate", parameters.translate(), asked)

    def edit(self, values: Values) -> Call:
        """Of the StarGAN tab: the boxes that differ from what was read from the picture."""
        shown: Mapping[str, bool] = getattr(values.get("reading"), "shown", None) or {}
        checked = values.get("checked") or ()
        changes = {name: name in checked for name, seen in shown.items() if seen != (name in checked)}
        asked = {
            "picture": self._file(values.get("source"), self._examples.portraits, ".png"),
            "changes": changes or BLOND,
            "face": _face(values.get("face"), values.get("source")),
            **_taken(values, "model", "crop", "paste_back"),
        }
        return _call("edit", parameters.edit(), asked)

    def style(self, values: Values) -> Call:
        """Of the StarGAN v2 tab: its first reference, or its seed."""
        picture, reference = values.get("source"), values.get("picture_1")
        by_seed = values.get("way") == "seed" or not reference
        style = (
            {"seed": int(values.get("seed") or SEED), "truncation": values.get("truncation")}
            if by_seed
            else {"reference": self._file(reference, self._examples.portraits, ".png")}
        )
        domain = values.get("domain") if by_seed else values.get("domain_1")
        asked = {
            "picture": self._file(picture, self._examples.portraits, ".png"),
            "domain": domain or "female",
            **style,
            "face": _face(values.get("face"), picture),
            **_taken(values, "model", "crop"),
        }
        return _call("style", parameters.style(), asked)

    def verify(self, values: Values) -> Call:
        """Of an example."""
        return _call("verify", parameters.verify(), {"file": self._file(None, self._examples.portraits, ".png")})

    def models(self, values: Values) -> Call:
        """Of all weights."""
        return _call("models", parameters.models(), {})

    def _file(self, upload: Upload, examples: list[Path], suffix: str) -> ExampleFile | OwnFile:
        """The file of an input, or the first example if there is none."""
        if isinstance(upload, Withheld):
            return OwnFile(f"{NO_NAME}{suffix}")
        path = path_of(upload) or next(iter(examples), None)
        if path is None:
            return OwnFile(f"{NO_NAME}{suffix}")
        known = self._known.get(path.name)
        return ExampleFile(known) if known == path else OwnFile(path.name)


def _call(endpoint: str, wanted: tuple[Parameter, ...], asked: Mapping[str, Any]) -> Call:
    """The call with what differs from the defaults, in the order of the parameters."""
    named = {one.name: one for one in wanted}
    given = {name: asked[name] for name in named if asked.get(name) is not None and asked[name] != named[name].default}
    fits = {name: value for name, value in given.items() if named[name].is_file or named[name].error(value) is None}
    return Call(endpoint=endpoint, arguments=fits)


def _taken(values: Values, *names: str) -> dict[str, Any]:
    return {name: values.get(name) for name in names}


def _face(chosen: Any, upload: Upload) -> int:
    return 1 if isinstance(upload, Withheld) else face_number(chosen, upload)


CALLS: dict[str, Callable[[CurrentCalls, Values], Call]] = {
    "animate": CurrentCalls.animate,
    "translate": CurrentCalls.translate,
    "edit": CurrentCalls.edit,
    "style": CurrentCalls.style,
    "verify": CurrentCalls.verify,
    "models": CurrentCalls.models,
}
"""Endpoint -> its call."""
