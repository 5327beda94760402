"""The page's state in its address: `#stargan` opens a tab, `#stargan?model=...&crop=none` also sets its options.

The browser keeps the options of each tab for a reload, and makes links of them; nothing is sent for that. The server
restores them: it takes only values that the components themselves could send, and examples by their names.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import gradio as gr
from gradio.blocks import Block
from gradio.components import Component
from gradio.processing_utils import hash_file

from deepfake_core.errors import BadRequest
from deepfake_core.ui.server import values
from deepfake_core.ui.server.upload_check import FILES
from deepfake_core.ui.widgets.errors import Update
from deepfake_core.ui.widgets.inputs import Inputs
from deepfake_core.ui.wiring import ANY_NUMBER, QUIET

SCRIPT = Path(__file__).with_suffix(".js").read_text(encoding="utf-8")
LONGEST = 8_000
"""Characters of the options of all tabs together."""
MOST_FIELDS = 64
LEFT_OUT = "Some settings of this link do not fit this page and were left out."
LINKABLE = (gr.Slider, gr.Number, gr.Checkbox, gr.CheckboxGroup, gr.Radio, gr.Dropdown, gr.Image, gr.Video)
Settings = Mapping[str, Any]
"""Name of an option -> its value; that of a file is the path of an example."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Linked:
    """The options of a tab that a link carries."""

    inputs: Inputs
    """Of these, the kinds in `LINKABLE`; lists of files and states are left out."""
    late: Sequence[str] = ()
    """Names of options that the tab sets itself after it was opened, so that they are restored after that."""
    settled: Sequence[Any] = ()
    """Triggers that fire then."""
    of_picture: Sequence[str] = ()
    """Names of options that belong to the picture, and are left out with a file that a link cannot carry."""

    @property
    def components(self) -> dict[str, Component]:
        """Name -> component of each option."""
        named = zip(self.inputs.names, self.inputs.components, strict=True)
        return {name: one for name, one in named if isinstance(one, LINKABLE) and not isinstance(one, gr.File)}


class Address:
    """Opens tabs by the address, writes the open tab into it, and restores and shares options."""

    def __init__(self, examples: Sequence[Path]) -> None:
        self.examples = {path.name: path for path in examples}

    def render(self) -> None:
        """Create the button for the link, and what the script needs."""
        self.copy = gr.Button("Copy a link to this tab", size="sm", elem_id="copy-link")
        self.go = gr.Button(visible="hidden", elem_id="address-go")
        self.text = gr.Textbox("", label="Settings", max_length=LONGEST, visible=False)
        self.pending = gr.State(None)

    def listen(self, page: gr.Blocks, tabs: gr.Tabs, linked: Mapping[str, Linked]) -> None:
        """`linked`: slug -> the options of the tabs that have some."""
        self.linked = linked
        slugs = [str(one.id) for one in tabs.children if isinstance(one, gr.Tab)]
        begun = page.load(None, js=f"() => {{ const config = {self._config(slugs)};\n{SCRIPT}\nreturn lab.begin(); }}",
                          outputs=tabs)  # fmt: skip
        early = [one for each in linked.values() for name, one in each.components.items() if name not in each.late]
        restored = begun.then(
            self.restore, inputs=self.text, outputs=[self.pending, *early], js="() => lab.fragments()", **ANY_NUMBER
        )
        restored.then(None, js="() => lab.go()", outputs=tabs)
        self.go.click(None, js="() => lab.go()", outputs=tabs)
        for slug, each in linked.items():
            self._listen_to(slug, each)
        self.copy.click(None, js="() => { lab.copy(document.getElementById('copy-link')); }")

    def _listen_to(self, slug: str, linked: Linked) -> None:
        components = linked.components
        gr.on(
            [one.change for one in components.values() if hasattr(one, "change")],
            None,
            inputs=list(components.values()),
            js=f"(...values) => {{ window.lab?.save({json.dumps(slug)}, values); }}",
            preprocess=False,
            **QUIET,
        )

        def restore_late(pending: Any) -> Update:
            return self.restore_late(slug, pending)

        late = [components[name] for name in linked.late]
        for trigger in linked.settled:
            trigger(restore_late, inputs=self.pending, outputs=[self.pending, *late], **QUIET).then(
                None, js=f"() => {{ lab.settled({json.dumps(slug)}); }}"
            )

    def restore(self, text: str) -> Update:
        """Set the options in `text`, one tab a line; those of `late` are kept until their tab has settled."""
        updates: Update = {}
        pending: dict[str, Settings] = {}
        complete = True
        for line in text.splitlines():
            slug, _, query = line.partition("?")
            if slug in self.linked:
                found, all_fit = self.parsed(slug, query)
                complete = complete and all_fit
                late = self.linked[slug].late
                updates |= self._values(slug, {name: one for name, one in found.items() if name not in late})
                pending[slug] = {name: one for name, one in found.items() if name in late}
        if not complete:
            gr.Warning(LEFT_OUT)
        return updates | {self.pending: pending}

    def restore_late(self, slug: str, pending: Any) -> Update:
        """Set the options of a tab that has settled, once."""
        if not pending or not pending.get(slug):
            return {self.pending: gr.skip()}
        return self._values(slug, pending[slug]) | {self.pending: {**pending, slug: {}}}

    def parsed(self, slug: str, query: str) -> tuple[dict[str, Any], bool]:
        """The options in a query that fit the tab, and whether all did."""
        components, found, all_fit = self.linked[slug].components, dict[str, Any](), True
        try:
            fields = parse_qsl(query, keep_blank_values=True, max_num_fields=MOST_FIELDS)
        except ValueError:
            return {}, False
        for name, text in fields:
            try:
                found[name] = self._value(components[name], text)
            except (BadRequest, KeyError, ValueError):
                all_fit = False
        return found, all_fit

    def _value(self, component: Component, text: str) -> Any:
        """The value of an option from its text in a link.

        Raises `BadRequest` or `ValueError` if the component could not have sent it, and `KeyError` for an unknown
        example.
        """
        if isinstance(component, FILES):
            return str(self.examples[text])
        if isinstance(component, gr.Slider | gr.Number):
            value: Any = float(text)
            value = int(value) if value.is_integer() else value
        elif isinstance(component, gr.Checkbox):
            value = {"true": True, "false": False}.get(text, text)
        elif isinstance(component, gr.CheckboxGroup):
            value = text.split(",") if text else []
        else:
            value = text
        values.check(component, value)
        return value

    def _values(self, slug: str, found: Settings) -> Update:
        components = self.linked[slug].components
        return {components[name]: _update(components[name], value) for name, value in found.items()}

    def _config(self, slugs: Sequence[str]) -> str:
        linked = {
            slug: {
                "names": list(one.components),
                "late": list(one.late),
                "ofPicture": list(one.of_picture),
                "defaults": [_default(component) for component in one.components.values()],
            }
            for slug, one in self.linked.items()
        }
        examples = {hash_file(path): name for name, path in self.examples.items()}
        return json.dumps({"slugs": list(slugs), "linked": linked, "examples": examples})


def slug_of(title: str) -> str:
    """The name of a tab in the address: "Image Animation" is `image-animation`, "StarGAN v2" is `starganv2`."""
    return re.sub(r"\W+", "-", re.sub(r" (?=v\d)", "", title.lower())).strip("-")


def _update(component: Component, value: Any) -> Any:
    """The update that sets a value; a list that is filled when its tab is opened has no choices before."""
    unfilled = isinstance(component, gr.Dropdown) and not component.choices
    return gr.Dropdown(choices=[value], value=value) if unfilled else value


def _default(component: Block) -> Any:
    """The value at first, if the page sends it as it is; files and lists filled later have none."""
    value = getattr(component, "value", None)
    return value if isinstance(value, bool | int | float | str) and not isinstance(component, FILES) else None
