"""Presets: TOML files with a `[recipe]` and a `[loop]` table, read into config dataclasses.

An unknown key is an error; it is never ignored silently.
"""

import dataclasses
import tomllib
import types
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar, Union, get_args, get_origin, get_type_hints

from deepfake_core.errors import BadRequest, MissingFile

PRESETS = Path(__file__).parent.parent / "presets"
SECTIONS = ("recipe", "loop")
Config = TypeVar("Config")


class Preset(NamedTuple):
    """The two tables of a preset, as parsed from TOML."""

    recipe: dict[str, Any]
    loop: dict[str, Any]


def preset_names(recipe: str, folder: Path = PRESETS) -> list[str]:
    """Return the names of a recipe's presets: `fomm-starter.toml` is the preset `starter` of `fomm`."""
    return sorted(path.stem.removeprefix(f"{recipe}-") for path in folder.glob(f"{recipe}-*.toml"))


def read_preset(recipe: str, name: str, folder: Path = PRESETS) -> Preset:
    """Read the preset `name` of `recipe`, or the file `name` if it ends in `.toml`.

    Raises `BadRequest` for an unknown name, listing the known ones, and for anything but the two tables.
    """
    path = Path(name) if name.endswith(".toml") else folder / f"{recipe}-{name}.toml"
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        if name.endswith(".toml"):
            raise MissingFile(f"there is no preset file {name}") from error
        known = ", ".join(preset_names(recipe, folder)) or "none"
        raise BadRequest(f"{recipe} has no preset {name!r}; choose one of: {known}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadRequest(f"{path} is not valid TOML: {error}") from error
    refuse_unknown(tables, SECTIONS, path.name)
    if misplaced := [name for name, table in tables.items() if not isinstance(table, dict)]:
        raise BadRequest(f"{path.name}: {', '.join(misplaced)} must be a table, written [{misplaced[0]}]")
    return Preset(tables.get("recipe", {}), tables.get("loop", {}))


def configure(kind: type[Config], table: Mapping[str, Any], where: str) -> Config:
    """Build the config dataclass `kind` from a TOML table; nested tables fill nested dataclasses, lists fill tuples.

    Raises `BadRequest` for an unknown key (listing the known ones), a value of the wrong type, or a missing key;
    `where` names the table in the message.
    """
    fields = {field.name: field for field in dataclasses.fields(kind) if field.init}  # type: ignore[arg-type]
    refuse_unknown(table, tuple(fields), where)
    missing = dataclasses.MISSING
    needed = [name for name, field in fields.items() if field.default is missing and field.default_factory is missing]
    if absent := [name for name in needed if name not in table]:
        raise BadRequest(f"{where} is missing {', '.join(absent)}")
    hints = get_type_hints(kind)
    return kind(**{name: converted(value, hints[name], f"{where}.{name}") for name, value in table.items()})


def refuse_unknown(table: Mapping[str, Any], known: tuple[str, ...], where: str) -> None:
    """Raise `BadRequest` if the table has an unknown key."""
    if unknown := sorted(table.keys() - set(known)):
        raise BadRequest(f"{where} has unknown keys: {', '.join(unknown)}; known keys: {', '.join(known)}")


def converted(value: Any, hint: Any, where: str) -> Any:
    """Return a TOML value as the type of a field; raise `BadRequest` if it does not fit."""
    choices = get_args(hint)
    if get_origin(hint) is Literal:
        if value not in choices:
            raise BadRequest(f"{where} must be one of {', '.join(map(str, choices))}, got {value!r}")
        return value
    if get_origin(hint) in (Union, types.UnionType):  # always "something | None" here, and TOML has no None
        return converted(value, next(choice for choice in choices if choice is not types.NoneType), where)
    if get_origin(hint) is tuple and isinstance(value, list):
        kinds = choices[:1] * len(value) if choices[-1] is Ellipsis else choices
        if len(kinds) != len(value):
            raise BadRequest(f"{where} must have {len(kinds)} values, got {len(value)}")
        return tuple(converted(item, kind, f"an item of {where}") for item, kind in zip(value, kinds, strict=True))
    if dataclasses.is_dataclass(hint) and isinstance(hint, type) and isinstance(value, dict):
        return configure(hint, value, where)
    if get_origin(hint) in (dict, Mapping) and isinstance(value, dict):
        return {key: converted(item, choices[1], f"{where}.{key}") for key, item in value.items()}
    if hint is float and type(value) is int:
        return float(value)
    if isinstance(hint, type) and type(value) is hint:  # bool does not count as int here
        return value
    raise BadRequest(f"{where} must be {getattr(hint, '__name__', hint)}, got {value!r}")
