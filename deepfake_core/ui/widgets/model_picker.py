"""Choose a tab's weights among the installed ones, and get the others."""

import html
from typing import Any

import gradio as gr

from deepfake_core.errors import WeightsMissing
from deepfake_core.hub.manifest import Entry, Subject, manifest
from deepfake_core.ui.server.messages import sentence
from deepfake_core.ui.widgets.downloads import Download, fetchable, switched_on
from deepfake_core.ui.widgets.errors import Update
from deepfake_core.ui.widgets.startup_line import startup_line
from deepfake_core.ui.wiring import ANY_NUMBER, QUIET

STARTER_TRAINING = (
    "The starter weights were trained by regression to drawn images whose truth is known; only StarGAN v2's also met a "
    "small discriminator, at the end. The published weights are GANs."
)
STARTER = f"These are starter weights, included with the app. {STARTER_TRAINING} For photos, see More weights."


class MoreWeights:
    """The weights of a tab that are not installed: downloads, and instructions for those without one."""

    def __init__(self, network: str, prefix: str, use: str) -> None:
        """`use` is shown after a download: how the weights are used."""
        own = {name: one for name, one in manifest().items() if one.network == network}
        needed = {one.needs for one in own.values()}
        self.entries = {name: one for name, one in manifest().items() if name in own or name in needed}
        self.download = Download(tuple(self.entries), prefix, use)

    def render(self) -> None:
        with gr.Accordion("More weights", open=False):
            self.download.render()
            self.others = gr.HTML(elem_classes="quiet weights-list")

    def listen(self) -> Any:
        """Returns the trigger that fires when a download has ended."""
        return self.download.listen()

    @property
    def outputs(self) -> list[Any]:
        """The components that `fill` updates."""
        return [*self.download.offered, self.others]

    def fill(self, fetching: Any) -> Update:
        """List the missing weights; `fetching` is the selection of the download list. Imports torch."""
        from deepfake_core.hub.store import find

        missing = [one for name, one in self.entries.items() if find(name) is None]
        listed = [one for one in missing if not (switched_on() and fetchable(one))]
        items = "".join(map(_item, listed))
        nothing = "" if missing else "<p>All of them are installed.</p>"
        others = f"<p>Manual installation:</p><ul>{items}</ul>" if items else nothing
        return {self.others: others} | self.download.offer(fetching)


class ModelPicker:
    """A list of the installed weights, a description of the selected ones, and an accordion with the others."""

    def __init__(self, network: str, prefix: str) -> None:
        self.network, self.prefix = network, prefix
        self.entries = {name: one for name, one in manifest().items() if one.network == network}
        self.more = MoreWeights(network, prefix, "choose it from the list of weights above")

    def render(self) -> None:
        self.name = gr.Dropdown([], label="Weights", elem_id=f"{self.prefix}model", filterable=False)
        self.about = gr.HTML("Looking for weights …", elem_classes="quiet")

    def render_others(self) -> None:
        """The accordion with the weights that are not installed."""
        self.more.render()

    def listen(self, tab: gr.Tab) -> Any:
        """List the weights whenever the tab is opened or a download has ended.

        Returns the trigger that fires after the tab was opened.
        """
        filled, _ = [
            trigger(
                self.fill,
                inputs=[self.name, self.more.download.name],
                outputs=[self.name, self.about, *self.more.outputs],
                preprocess=False,
                **ANY_NUMBER,
            )
            for trigger in (tab.select, self.more.listen())
        ]
        self.name.input(
            self.describe,
            inputs=self.name,
            outputs=self.about,
            preprocess=False,
            **QUIET,
        )
        return filled.then

    def fill(self, chosen: str | None, fetching: Any = None) -> Update:
        """List the installed weights; keeps the selection, else selects the best. Imports torch."""
        from deepfake_core.hub.store import choose, installed

        here, shown = installed(self.network), self.more.fill(fetching)
        starting = startup_line(set(self.entries))
        try:
            name = chosen if chosen in here else choose(self.network)
        except WeightsMissing as error:
            return shown | {self.about: html.escape(sentence(error)) + starting}
        return shown | {self.name: gr.Dropdown(choices=here, value=name), self.about: self.describe(name) + starting}

    def describe(self, name: str | None) -> str:
        """One line about the weights."""
        if name not in self.entries:
            return ""
        one = self.entries[name]
        about = html.escape(f"{one.about[0].upper()}{one.about[1:]}.")
        return f"{about} {STARTER}" if one.file else about

    def subject(self, name: str | None) -> Subject:
        """What pictures for these weights show."""
        return self.entries[name].subject if name in self.entries else "face"


def _item(one: Entry) -> str:
    from deepfake_core.hub.store import how_to_get

    needs = f" It also needs {one.needs}." if one.needs else ""
    parts = f"{one.about}. To use it, {how_to_get(one)}.{needs} Licence: {one.licence}."
    return f"<li><strong>{html.escape(one.name)}</strong>: {html.escape(parts)}</li>"
