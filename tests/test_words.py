"""Names in the code use the project's standard words: file, class, function, argument, attribute and variable names."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = (
    *("deepfake_core/media", "deepfake_core/provenance", "deepfake_core/hub", "deepfake_core/faces"),
    *("deepfake_core/cli", "deepfake_core/networks", "deepfake_core/metrics", "deepfake_core/pipelines"),
    *("deepfake_core/ui", "deepfake_core/synthetic", "train", "benchmarks", "examples"),
)
MODULES = (".", "deepfake_core")
"""Folders of which only the files directly inside are checked, not the packages below them."""

EVERYWHERE = {
    "aside": "atomic_write or temporary",
    "upkeep": "inventory",
    "trouble": "error",
    "told": "what it is: settings, options, warnings, message",
    "outcome": "result",
    "examiner": "attribute_classifier",
    "blemishes": "augmentation",
    "jail": "sandbox",
    "jailed": "sandboxed",
    "workplace": "temp_files",
}
"""Words that no name may contain, and what to use instead."""
OLD = EVERYWHERE.keys()

MODULES_AND_CLASSES = {
    "averages": "ema",
    "beside": "what the two things are",
    "child": "child_process",
    "compute": "runtime",
    "gate": "middleware",
    "journal": "logger",
    "layouts": "key_maps",
    "look": "preview, inspect or examine",
    "mark": "watermark",
    "marks": "watermarks",
    "pool": "render_cache",
    "quick": "skip_init",
    "reader": "domain_classifier",
    "replay": "example_cache",
    "runs": "run_controls",
    "seeds": "latents",
    "several": "batch",
    "sheet": "sample_grid",
    "singles": "cells",
    "squares": "image_batch",
    "still": "image_worker",
    "stop": "signals",
    "ticks": "attribute_boxes",
    "unpaired": "cyclegan data",
    "visitors": "sessions",
    "walk": "interpolation",
}
"""Words that are fine for a variable or as part of a name, but not as the name of a module or class."""

PHRASES = ("makes no sense", "as it was made")
"""Wordings that no docstring or message contains."""


def parts(name: str) -> set[str]:
    """The lower-case words of a snake_case or CamelCase name."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    return {word.lower() for word in words.split("_") if word}


def names_in(tree: ast.AST) -> Iterator[tuple[int, str, bool]]:
    """(line, name, whether it is a class) of everything that the code defines."""
    for node in ast.walk(tree):
        match node:
            case ast.ClassDef():
                yield node.lineno, node.name, True
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                yield node.lineno, node.name, False
            case ast.arg():
                yield node.lineno, node.arg, False
            case ast.Name(ctx=ast.Store()):
                yield node.lineno, node.id, False
            case ast.Attribute(ctx=ast.Store()):
                yield node.lineno, node.attr, False
            case ast.alias(asname=str(name)):
                yield 0, name, False
            case ast.ExceptHandler(name=str(name)):
                yield node.lineno, name, False


def complaints(path: Path, code: str) -> list[str]:
    """One line for every name in `code` that contains an old word, and for every old phrase in its text."""
    named = [(1, path.stem, True), *names_in(ast.parse(code))]
    found = []
    for line, name, module_or_class in named:
        found += [f"{path}:{line}: {name}: use {EVERYWHERE[one]}, not {one}" for one in sorted(parts(name) & OLD)]
        if module_or_class and (word := name.strip("_").lower()) in MODULES_AND_CLASSES:
            found.append(f"{path}:{line}: {name}: use {MODULES_AND_CLASSES[word]}")
    found += [f"{path}: name the value got and the one wanted, not {one!r}" for one in PHRASES if one in code]
    return found


def test_a_name_is_split_into_its_words() -> None:
    assert parts("read_aside") == {"read", "aside"} and parts("HTTPJail2") == {"http", "jail2"}
    assert parts("FileAside") == {"file", "aside"} and parts("insider") == {"insider"}


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("def f(told): pass", "told"),
        ("def read_aside(): pass", "read_aside"),
        ("class FileAside: pass", "FileAside"),
        ("self.trouble: str = ''", "trouble"),
        ("with a as (b, outcome): pass", "outcome"),
        ("import a as jail", "jail"),
    ],
)
def test_an_old_word_is_found_wherever_a_name_is_defined(code: str, name: str) -> None:
    (complaint,) = complaints(Path("a/fine.py"), code)
    assert f" {name}: use " in complaint


def test_a_general_word_is_only_refused_in_modules_and_classes() -> None:
    assert complaints(Path("a/fine.py"), "walk = look = 1\nclass ChildProcess: pass") == []
    assert "stop: use signals" in complaints(Path("a/stop.py"), "")[0]
    assert "_Child: use child_process" in complaints(Path("a/fine.py"), "class _Child: pass")[0]


@pytest.mark.parametrize("package", [*MODULES, *PACKAGES])
def test_names_use_the_standard_words(package: str) -> None:
    folder = ROOT / package
    files = sorted(folder.glob("*.py") if package in MODULES else folder.rglob("*.py"))
    assert files or package == "."
    found = [one for path in files for one in complaints(path.relative_to(ROOT), path.read_text(encoding="utf-8"))]
    assert not found, "\n".join(found)
