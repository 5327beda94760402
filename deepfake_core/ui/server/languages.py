"""The page in the visitor's language: fixed sentences are marked on their way to the browser, which translates them.

Components keep their English texts, so that error messages, the interface for programs, and links are the same for
everybody; a sentence without translation is shown in English, as is what the server says during a run.
"""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.i18n import I18nData

FOLDER = Path(__file__).with_name("translations")
"""A table per language: English sentence -> translation, Markdown and HTML within sentences included."""
NAMES = ("label", "info", "placeholder")
SPOKEN = ("html", "markdown", "button", "downloadbutton")
"""Components whose value is a text of the page; the values of all others are the visitor's."""
PARAGRAPH = re.compile(r"(\s*<p[^>]*>)(?!.*<p)(.*)(</p>\s*)", re.DOTALL)


@cache
def tables() -> dict[str, dict[str, str]]:
    """Every language's table, by the language's BCP 47 tag."""
    return {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in sorted(FOLDER.glob("*.json"))}


def sentence_in(text: str) -> str:
    """The key of a text of the page: a paragraph without its tags, else the text itself."""
    paragraph = PARAGRAPH.fullmatch(text)
    return (paragraph[2] if paragraph else text).strip()


def texts(component: Mapping[str, Any]) -> Iterator[str]:
    """The texts of a component in the page's configuration, those of its choices included."""
    props = component["props"]
    for name in _names(component["type"]):
        if isinstance(text := props.get(name), str) and text.strip():
            yield text
    for choice in props.get("choices") or ():
        if isinstance(text := choice[0] if isinstance(choice, list | tuple) else choice, str):
            yield text


def marked(text: str) -> str:
    """The text with its sentence marked, by which the browser knows that it has a translation; else the text itself."""
    sentence = sentence_in(text)
    if not any(sentence in table for table in tables().values()):
        return text
    return text.replace(sentence, str(I18nData(sentence)), 1)


class TranslatedBlocks(gr.Blocks):
    """A page whose configuration and results are marked for translation."""

    def get_config_file(self) -> Any:
        """The configuration; choices need no mark, as Gradio looks each of them up."""
        config = super().get_config_file()
        for component in config["components"]:
            _mark(component["props"], _names(component["type"]))
        return config

    async def postprocess_data(self, block_fn: Any, predictions: Any, state: Any) -> list[Any]:
        """The results, of which fixed sentences are marked."""
        values: list[Any] = await super().postprocess_data(block_fn, predictions, state)
        for place, (component, value) in enumerate(zip(block_fn.outputs, values, strict=True)):
            kind = component.get_block_name()
            if isinstance(value, dict) and value.get("__type__") == "update":
                _mark(value, _names(kind))
            elif isinstance(value, str) and kind in SPOKEN:
                values[place] = marked(value)
        return values


def _names(kind: str) -> tuple[str, ...]:
    return (*NAMES, "value") if kind in SPOKEN else NAMES


def _mark(props: dict[str, Any], names: tuple[str, ...]) -> None:
    for name in names:
        if isinstance(text := props.get(name), str):
            props[name] = marked(text)
