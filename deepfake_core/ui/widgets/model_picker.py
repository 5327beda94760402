"""Choose a tab's weights, automatically or among the installed ones, and get the others."""

import html
from typing import TYPE_CHECKING, Any

import gradio as gr

from deepfake_core.errors import WeightsMissing
from deepfake_core.hub.manifest import Entry, Subject, manifest
from deepfake_core.media.picture_kind import PictureKind
from deepfake_core.ui.server.messages import sentence
from deepfake_core.ui.widgets.advice import Advice
from deepfake_core.ui.widgets.downloads import Download, fetchable, label, size, switched_on
from deepfake_core.ui.widgets.errors import Update
from deepfake_core.ui.widgets.startup_line import startup_line
from deepfake_core.ui.wiring import ANY_NUMBER, QUIET

if TYPE_CHECKING:
    from deepfake_core.pipelines.suitability import Mismatch

STARTER_TRAINING = (
    "The starter weights were trained by regression to drawn images whose truth is known, without a discriminator. The "
    "published weights are GANs."
)
STARTER = "Starter weights, included with the app."


class MoreWeights:
    """The weights of a tab that are not installed: downloads, or a list if downloads are off."""

    def __init__(self, network: str, prefix: str, use: str) -> None:
        """`use` is shown after a download: how the weights are used."""
        own = {name: one for name, one in manifest().items() if one.network == network}
        needed = {one.needs for one in own.values()}
        self.entries = {name: one for name, one in manifest().items() if name in own or name in needed}
        self.download = Download(tuple(self.entries), prefix, use)

    def render(self) -> None:
        with gr.Accordion("More weights", open=False) as self.accordion:
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
        missing = self.missing()
        listed = [one for one in missing if not (switched_on() and fetchable(one))]
        nothing = "" if missing else "<p>All of them are installed.</p>"
        return {self.others: by_hand(listed) if listed else nothing} | self.download.offer(fetching)

    def missing(self) -> list[Entry]:
        """The weights that are not installed. Imports torch."""
        from deepfake_core.hub.store import find

        return [one for name, one in self.entries.items() if find(name) is None]


class ModelPicker:
    """A list of the automatic choices and the installed weights, a line about the selected ones, and more weights."""

    def __init__(self, network: str, prefix: str) -> None:
        self.network, self.prefix = network, prefix
        self.entries = {name: one for name, one in manifest().items() if one.network == network}
        self.more = MoreWeights(network, prefix, "choose it from the list of weights above")
        self.advice: list[Advice] = []
        """The lines with a button that selects, or offers to download, other weights."""

    def render(self) -> None:
        self.name = gr.Dropdown([], label="Weights", elem_id=f"{self.prefix}model", filterable=False)
        self.about = gr.HTML("Looking for weights …", elem_id=f"{self.prefix}about", elem_classes="quiet")
        self.more.render()

    def listen(self, *opened: Any) -> Any:
        """List the weights on `opened`, such as the selection of the tab, and whenever a download has ended.

        Returns the trigger that fires after the first of `opened`. `changed` holds those of other weights.
        """
        filled = [
            trigger(
                self.fill,
                inputs=[self.name, self.more.download.name],
                outputs=[self.name, self.about, *self.more.outputs],
                preprocess=False,
                **ANY_NUMBER,
            )
            for trigger in (*opened, self.more.listen())
        ]
        self.name.input(self.describe, inputs=self.name, outputs=self.about, preprocess=False, **QUIET)
        suggested = [
            one.button.click(
                self.suggest,
                inputs=[self.name, one.kind],
                outputs=[self.name, self.about, self.more.accordion, *self.more.download.offered],
                preprocess=False,
                **ANY_NUMBER,
            )
            for one in self.advice
        ]
        self.changed = [self.name.input, *(event.then for event in (filled[-1], *suggested))]
        return filled[0].then

    def fill(self, chosen: str | None, fetching: Any = None) -> Update:
        """List the choices; keeps the selection, else selects the first automatic one. Imports torch."""
        from deepfake_core.hub.store import choose, installed

        automatic, here = self.automatic(), installed(self.network)
        shown, starting = self.more.fill(fetching), startup_line(set(self.entries))
        try:
            choose(self.network)
        except WeightsMissing as error:
            return shown | {self.about: html.escape(sentence(error)) + starting}
        choices = [*automatic.items(), *((self.entries[name].title, name) for name in here)]
        names = [name for _, name in choices]
        name = chosen if chosen in names else names[0]
        return shown | {self.name: gr.Dropdown(choices=choices, value=name), self.about: self.describe(name) + starting}

    def automatic(self) -> dict[str, str]:
        """The automatic choices, as label -> value."""
        from deepfake_core.hub.selection import AUTOMATIC, tasks

        known = tasks(self.network)
        return {f"Automatic: {task}" if len(known) > 1 else "Automatic": f"{AUTOMATIC}{task}" for task in known}

    def describe(self, name: str | None) -> str:
        """What the selected weights are for, their size and licence; for an automatic choice, the rule."""
        if name is not None and name in self.automatic().values():
            return self._describe_automatic(name)
        if name not in self.entries:
            return ""
        one = self.entries[name]
        about = f"For {one.about}. {size(one.bytes)}; licence: {one.licence}."
        return html.escape(f"{about} {STARTER}" if one.starter else about)

    def _describe_automatic(self, name: str) -> str:
        from deepfake_core.hub.selection import RULE, candidates, task_of

        titles = [self.entries[one].title for one in candidates(self.network, task_of(self.network, name) or "")]
        return html.escape(f"{RULE} Installed: {'; '.join(titles)}.")

    def suggest(self, chosen: Any, kind: PictureKind | None) -> Update:
        """Select installed weights for pictures of this kind, else open the downloads at the first of them."""
        from deepfake_core.hub.selection import select
        from deepfake_core.hub.store import preference

        task = self.task(chosen)
        if kind is None or task is None:
            return {self.about: gr.skip()}
        name = select(self.network, kind, task)
        if self.entries[name].pictures == kind:
            return {self.name: name, self.about: self.describe(name)}
        fitting = {one.name for one in self.more.missing() if one.task == task and one.pictures == kind}
        names = [name for name in preference(self.network) if name in fitting]
        first, download = next(iter(names), None), self.more.download
        return {self.more.accordion: gr.Accordion(open=True)} | download.offer(first) | download.describe(first)

    def task(self, name: Any) -> str | None:
        """What the selected weights do, or the automatic choice."""
        from deepfake_core.hub.selection import task_of

        if name in self.entries:
            return self.entries[name].task
        return task_of(self.network, name if isinstance(name, str) else None)

    def mismatch(self, chosen: str | None, kind: PictureKind) -> "Mismatch | None":
        """What to say of a picture of this kind under the weights that are chosen, or selected automatically."""
        from deepfake_core.hub.selection import select, task_of
        from deepfake_core.pipelines.suitability import mismatch

        task = task_of(self.network, chosen)
        return mismatch(select(self.network, kind, task) if task else str(chosen), [kind])

    def subject(self, name: str | None) -> Subject:
        """What pictures for these weights show."""
        if name in self.entries:
            return self.entries[name].subject
        task = self.task(name)
        return next((one.subject for one in self.entries.values() if task and one.task == task), "face")


def by_hand(missing: list[Entry]) -> str:
    """What whoever runs the server can install, each licence once."""
    licences: dict[str, list[str]] = {}
    for one in missing:
        licences.setdefault(one.licence, []).append(label(one))
    items = "".join(
        f"<li>{html.escape('; '.join(labels))}.<br>Licence: {html.escape(licence)}.</li>"
        for licence, labels in licences.items()
    )
    return (
        f"<p>Whoever runs this server can install these; the Weights tab names them and their sources:</p>"
        f"<ul>{items}</ul>"
    )
