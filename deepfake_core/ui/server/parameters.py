"""Parameters of the endpoints for programs: one JSON Schema each for documentation, checks and MCP tools."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gradio.components.api_component import Api

REQUIRED = object()
"""The default of a parameter that has to be given."""
NAME = r"\w[\w .+-]{0,99}"
"""A name that its user looks up: attributes and domains in the network's configuration."""
FILE = {
    "anyOf": [
        {
            "type": "object",
            "title": "FileData",
            "properties": {
                "path": {"type": "string"},
                "meta": {"type": "object", "properties": {"_type": {"const": "gradio.FileData", "type": "string"}}},
            },
            "required": ["path", "meta"],
        },
        {"type": "string"},
    ]
}
"""An upload as Gradio's clients describe it, or the name of an example."""
MAX_CHANGES = 100
"""The most entries of an object of names."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Parameter:
    """A parameter of an endpoint."""

    name: str
    about: str
    """One sentence for its user."""
    schema: Mapping[str, Any]
    """JSON Schema (json-schema.org) of its value; only what `CHECKS` knows."""
    example: Any
    """A valid value."""
    default: Any = REQUIRED
    """None also makes null valid."""
    is_file: bool = False
    is_consent: bool = False
    """Whether it confirms that the caller may use the files."""
    examined: bool = False
    """Whether its file is only analysed, which needs no consent."""

    @property
    def required(self) -> bool:
        return self.default is REQUIRED

    def error(self, value: Any) -> str | None:
        """What the value must be; None if it is valid."""
        if value is None and self.default is None:
            return None
        return CHECKS[self.schema["type"]](self.schema, value)

    def component(self) -> Api:
        """The component that stands for it among the inputs of an endpoint: Gradio describes endpoints by components.

        It is no subclass, for which Gradio would write a file next to the code.
        """
        schema: Mapping[str, Any] = FILE if self.is_file else self.schema
        component = Api(None if self.required else self.default, {**schema, "description": self.about}, self.name)
        component.parameter = self  # type: ignore[attr-defined]
        return component

    def described(self) -> dict[str, Any]:
        """Its schema with description and default, for MCP; a file is the text that names it."""
        schema = {"type": "string"} if self.is_file else self.schema
        default = {} if self.required else {"default": self.default}
        return {**schema, "description": self.about, **default}


def parameter_of(component: Any) -> Parameter | None:
    """The parameter that a component stands for; None for one of the page."""
    found = getattr(component, "parameter", None)
    return found if isinstance(found, Parameter) else None


def flag(name: str, about: str, default: Any = False) -> Parameter:
    """True or false."""
    return Parameter(name=name, about=about, schema={"type": "boolean"}, default=default, example=True)


def number(name: str, about: str, low: float | int, high: float | int, default: float | int) -> Parameter:
    """A number between `low` and `high`."""
    schema = {"type": "number", "minimum": low, "maximum": high}
    return Parameter(name=name, about=about, schema=schema, default=default, example=low)


def whole(name: str, about: str, low: int, high: int, default: int | None) -> Parameter:
    """A whole number between `low` and `high`."""
    schema = {"type": "integer", "minimum": low, "maximum": high}
    return Parameter(name=name, about=about, schema=schema, default=default, example=low)


def choice(name: str, about: str, choices: Sequence[str], default: str | None) -> Parameter:
    """One of several names."""
    schema = {"type": "string", "enum": list(choices)}
    return Parameter(name=name, about=about, schema=schema, default=default, example=choices[0])


def text(name: str, about: str, example: str, default: Any = REQUIRED) -> Parameter:
    """A name that is looked up."""
    return Parameter(
        name=name, about=about, schema={"type": "string", "pattern": f"^{NAME}$"}, example=example, default=default
    )


def switches(name: str, about: str, example: Mapping[str, bool]) -> Parameter:
    """An object with true or false for each name."""
    schema = {"type": "object", "additionalProperties": {"type": "boolean"}}
    return Parameter(name=name, about=about, schema=schema, example=dict(example))


def file(name: str, about: str, example: str, *, default: Any = REQUIRED, examined: bool = False) -> Parameter:
    """An upload, or the name of an example."""
    whole_sentence = f"{about} An upload, or the name of an example, such as {example}."
    return Parameter(
        name=name, about=whole_sentence, schema={}, example=example, default=default, is_file=True, examined=examined
    )


def consent() -> Parameter:
    """Required, so that nobody passes over it; examples may be used without."""
    about = (
        "True confirms that you use only your own face, drawn ones, or faces of people who have given consent. "
        "It must be true unless all files are examples."
    )
    return Parameter(name="consent", about=about, schema={"type": "boolean"}, example=True, is_consent=True)


def _boolean(schema: Mapping[str, Any], value: Any) -> str | None:
    return None if isinstance(value, bool) else "true or false"


def _number(schema: Mapping[str, Any], value: Any) -> str | None:
    whole = schema["type"] == "integer"
    low, high = schema["minimum"], schema["maximum"]
    fits = not isinstance(value, bool) and isinstance(value, int | float) and low <= value <= high
    fits = fits and (not whole or float(value).is_integer())  # the range is false for NaN
    return None if fits else f"a {'whole ' if whole else ''}number between {low} and {high}"


def _string(schema: Mapping[str, Any], value: Any) -> str | None:
    if choices := schema.get("enum"):
        return None if isinstance(value, str) and value in choices else f"one of {', '.join(choices)}"
    return None if _is_name(value) else "a name of at most 100 letters and digits"


def _object(schema: Mapping[str, Any], value: Any) -> str | None:
    fits = isinstance(value, dict) and 0 < len(value) <= MAX_CHANGES
    fits = fits and all(_is_name(name) and isinstance(one, bool) for name, one in value.items())
    return None if fits else f"an object of 1 to {MAX_CHANGES} names, each with true or false"


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(NAME, value) is not None


CHECKS: dict[str, Callable[[Mapping[str, Any], Any], str | None]] = {
    "boolean": _boolean,
    "number": _number,
    "integer": _number,
    "string": _string,
    "object": _object,
}
"""JSON Schema type -> `check(schema, value)`, which returns what the value must be, or None if it is valid."""
