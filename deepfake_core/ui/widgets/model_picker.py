"""Which weights a tab works with: those on this machine, and how to get the others."""

import html
from typing import Any

import gradio as gr

from deepfake_core.errors import WeightsMissing
from deepfake_core.hub.manifest import Entry, Subject, manifest
from deepfake_core.ui.server.messages import sentence
from deepfake_core.ui.widgets.downloads import Download, fetchable, switched_on
from deepfake_core.ui.widgets.errors import Update

STARTER = "Starter weights, which come with the app; for photos, see More weights."


class MoreWeights:
    """Weights of a tab that are not here, folded away: some can be fetched at once, of the others it is told how."""

    def __init__(self, network: str, place: str, use: str) -> None:
        """`use` is what is said of fetched ones: how they come to be used."""
        own = {name: one for name, one in manifest().items() if one.network == network}
        needed = {one.needs for one in own.values()}
        self.entries = {name: one for name, one in manifest().items() if name in own or name in needed}
        self.download = Download(tuple(self.entries), place, use)

    def render(self) -> None:
        with gr.Accordion("More weights", open=False):
            self.download.render()
            self.others = gr.HTML(elem_classes="quiet weights-list")

    def listen(self) -> Any:
        """Returns the trigger that a download is over."""
        return self.download.listen()

    @property
    def outputs(self) -> list[Any]:
        """The components that `fill` changes."""
        return [*self.download.offered, self.others]

    def fill(self, fetching: Any) -> Update:
        """Look what is not here; `fetching` are the weights chosen to be fetched; imports torch."""
        from deepfake_core.hub.store import find

        missing = [one for name, one in self.entries.items() if find(name) is None]
        listed = [one for one in missing if not (switched_on() and fetchable(one))]
        items = "".join(map(_item, listed))
        nothing = "" if missing else "<p>All of them are on this machine.</p>"
        others = f"<p>By hand:</p><ul>{items}</ul>" if items else nothing
        return {self.others: others} | self.download.offer(fetching)


class ModelChoice:
    """A list of the weights that are here, a line about the chosen ones, and the accordion with those that are not."""

    def __init__(self, network: str, place: str) -> None:
        self.network, self.place = network, place
        self.entries = {name: one for name, one in manifest().items() if one.network == network}
        self.more = MoreWeights(network, place, "choose it from the list of weights above")

    def render(self) -> None:
        self.name = gr.Dropdown([], label="Weights", elem_id=f"{self.place}model", filterable=False)
        self.about = gr.HTML("Looking for weights …", elem_classes="quiet")

    def render_others(self) -> None:
        """The weights that are not here, folded away."""
        self.more.render()

    def listen(self, tab: gr.Tab) -> Any:
        """Look what is here whenever the tab is opened or a download is over.

        Returns the trigger that comes after the tab was opened.
        """
        filled, _ = [
            trigger(
                self.fill,
                inputs=[self.name, self.more.download.name],
                outputs=[self.name, self.about, *self.more.outputs],
                preprocess=False,
                show_progress="hidden",
                concurrency_limit=None,
                api_visibility="private",
            )
            for trigger in (tab.select, self.more.listen())
        ]
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

    def fill(self, chosen: str | None, fetching: Any = None) -> Update:
        """List what is on this machine, the best of it chosen unless something is; imports torch."""
        from deepfake_core.hub.store import choose, installed

        here, shown = installed(self.network), self.more.fill(fetching)
        try:
            name = chosen if chosen in here else choose(self.network)
        except WeightsMissing as error:
            return shown | {self.about: html.escape(sentence(error))}
        return shown | {self.name: gr.Dropdown(choices=here, value=name), self.about: self.tell(name)}

    def tell(self, name: str | None) -> str:
        """The line about some weights."""
        if name not in self.entries:
            return ""
        one = self.entries[name]
        about = html.escape(f"{one.about[0].upper()}{one.about[1:]}.")
        return f"{about} {STARTER}" if one.file else about

    def subject(self, name: str | None) -> Subject:
        """What the pictures of these weights show."""
        return self.entries[name].subject if name in self.entries else "face"


def _item(one: Entry) -> str:
    from deepfake_core.hub.store import how_to_get

    needs = f" It needs {one.needs} beside it." if one.needs else ""
    parts = f"{one.about}. To use it, {how_to_get(one)}.{needs} Licence: {one.licence}."
    return f"<li><strong>{html.escape(one.name)}</strong>: {html.escape(parts)}</li>"
