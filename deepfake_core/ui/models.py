"""Which weights a tab works with: those on this machine, and how to get the others."""

import html
from typing import Any

import gradio as gr

from deepfake_core.errors import WeightsMissing
from deepfake_core.hub.manifest import manifest
from deepfake_core.ui.trouble import Update, sentence


class ModelChoice:
    """A list of the weights that are here, a line about the chosen ones, and a list of those that are not."""

    def __init__(self, network: str, place: str) -> None:
        self.network, self.place = network, place
        self.entries = {name: one for name, one in manifest().items() if one.network == network}

    def render(self) -> None:
        self.name = gr.Dropdown([], label="Weights", elem_id=f"{self.place}model", filterable=False)
        self.about = gr.HTML("Looking for weights …", elem_classes="quiet")

    def render_others(self) -> None:
        """The list of weights that are not here, folded away."""
        with gr.Accordion("More weights", open=False):
            self.others = gr.HTML(elem_classes="quiet weights-list")

    def listen(self, tab: gr.Tab) -> Any:
        """Look what is here whenever the tab is opened; returns the trigger that comes then."""
        filled = tab.select(
            self.fill,
            inputs=self.name,
            outputs=[self.name, self.about, self.others],
            preprocess=False,
            show_progress="hidden",
            concurrency_limit=None,
            api_visibility="private",
        )
        self.name.input(
            self.tell,
            inputs=self.name,
            outputs=self.about,
            preprocess=False,
            queue=False,
            show_progress="hidden",
            api_visibility="private",
        )
        return filled.then

    def fill(self, chosen: str | None) -> Update:
        """List what is on this machine, the best of it chosen unless something is; imports torch."""
        from deepfake_core.hub.store import choose, installed

        here = installed(self.network)
        missing = [name for name in self.entries if name not in here]
        others = "".join(map(_item, missing)) or "<li>All of them are on this machine.</li>"
        shown: Update = {self.others: f"<ul>{others}</ul>"}
        try:
            name = chosen if chosen in here else choose(self.network)
        except WeightsMissing as error:
            return shown | {self.about: html.escape(sentence(error))}
        return shown | {self.name: gr.Dropdown(choices=here, value=name), self.about: self.tell(name)}

    def tell(self, name: str | None) -> str:
        """The line about some weights."""
        if name not in self.entries:
            return ""
        about = self.entries[name].about
        return html.escape(f"{about[0].upper()}{about[1:]}.")

    def subject(self, name: str | None) -> str:
        """What the pictures of these weights show."""
        return self.entries[name].subject if name in self.entries else "face"


def _item(name: str) -> str:
    from deepfake_core.hub.store import way_to

    one = manifest()[name]
    needs = f" It needs {one.needs} beside it." if one.needs else ""
    parts = f"{one.about}. To use it, {way_to(one)}.{needs} Licence: {one.licence}."
    return f"<li><strong>{html.escape(name)}</strong>: {html.escape(parts)}</li>"
