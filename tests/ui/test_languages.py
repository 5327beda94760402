"""The page's sentences in other languages: complete, and with nothing that the page does not say."""

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from benchmarks.load.visitor import in_english
from deepfake_core.ui.page import EXAMPLES, build
from deepfake_core.ui.server.inference import Engine
from deepfake_core.ui.server.languages import TranslatedBlocks, marked, sentence_in, tables, texts
from deepfake_core.ui.widgets.examples import Examples

SOURCES = Path(__file__).parents[2] / "deepfake_core"
ENGLISH = re.compile(r"[a-z_]+|[\d.]+|CycleGAN|StarGAN|StarGAN v2|\s*<input.*|<details.*|\$\$.*", re.DOTALL)
"""Names of parameters for programs, numbers, names of papers, markup without words, code, equations."""
TAGS = re.compile(r"<[^>]+>|\*\*|\$\$|\]\(https?://[^)]+\)|^##")


@pytest.fixture(scope="module")
def sentences() -> set[str]:
    """All that the page says before anything is pressed."""
    plain = gr.Blocks.get_config_file(build(Engine(), Examples.in_folder(EXAMPLES)))
    return {sentence_in(text) for one in plain["components"] for text in texts(one) if not ENGLISH.fullmatch(text)}


@pytest.mark.parametrize("language", ["de", "es", "fr", "zh-CN"])
def test_every_sentence_has_a_translation_and_none_is_left_over(language: str, sentences: set[str]) -> None:
    table = tables()[language]
    code = "\n".join(file.read_text(encoding="utf-8") for file in SOURCES.rglob("*.py"))
    assert sentences - table.keys() == set()
    assert {key for key in table.keys() - sentences if f'"{key}"' not in code} == set()


@pytest.mark.parametrize("language", ["de", "es", "fr", "zh-CN"])
def test_translations_keep_what_is_not_language(language: str) -> None:
    for sentence, translation in tables()[language].items():
        assert sorted(TAGS.findall(sentence)) == sorted(TAGS.findall(translation)), sentence
        assert not set("{}") & set(sentence + translation), (
            f"Gradio cannot find the end of a mark with braces: {sentence}"
        )


def test_a_paragraph_keeps_its_tags_and_unknown_text_is_left_alone() -> None:
    mark = '__i18n__{"__type__": "translation_metadata", "key": "Ready."}'
    assert marked('<p class="state" role="status">Ready.</p>') == f'<p class="state" role="status">{mark}</p>'
    assert in_english(marked('<p class="quiet">Ready.</p>')) == '<p class="quiet">Ready.</p>' and in_english(3) == 3
    assert marked("Ready.") == mark and marked("Ready, Ann.") == "Ready, Ann."


class Toy(TranslatedBlocks):
    """A page of two texts."""


def config_of(page: gr.Blocks) -> dict[int, dict[str, Any]]:
    return {one["id"]: one["props"] for one in page.get_config_file()["components"]}


def test_what_a_visitor_types_is_never_translated_and_components_keep_their_english() -> None:
    with Toy() as page:
        box, note = gr.Textbox("Ready.", label="Portrait"), gr.Markdown("Ready.")
    props = config_of(page)
    assert props[box._id]["value"] == "Ready." and json.loads(props[box._id]["label"][8:])["key"] == "Portrait"
    assert props[note._id]["value"].startswith("__i18n__") and (box.label, note.value) == ("Portrait", "Ready.")


def test_results_are_marked_as_well() -> None:
    with Toy() as page:
        note, box, button = gr.Markdown(), gr.Textbox(), gr.Button()
        button.click(lambda: None, outputs=[note, box, button])
    results = ["Ready.", "Ready.", gr.Button("Stop")]
    answer = asyncio.run(page.postprocess_data(page.fns[0], results, None))
    assert answer[0].startswith("__i18n__") and answer[1] == "Ready." and "Stop" in answer[2]["value"]
    assert answer[2]["value"].startswith("__i18n__")
