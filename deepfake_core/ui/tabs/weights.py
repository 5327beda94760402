"""The Weights tab: what is on this machine and what is not, how to get it, whether it is sound, and free disk space."""

import html
from collections.abc import Iterator
from itertools import groupby
from typing import TYPE_CHECKING, Any

import gradio as gr

from deepfake_core.errors import BadRequest
from deepfake_core.hub.manifest import Entry, manifest
from deepfake_core.registry import method
from deepfake_core.ui.server.inference import Engine
from deepfake_core.ui.widgets.downloads import Download, alert, require_switched_on, size, switched_on
from deepfake_core.ui.widgets.errors import Update
from deepfake_core.ui.widgets.stage import count, state

if TYPE_CHECKING:
    from deepfake_core.hub.inventory import Installed

PLACE = "weights-"
COLUMNS = ("Name", "What for", "Size", "Licence", "Source", "State")


class WeightsTab:
    """The table, and below it what can be done."""

    title = "Weights"

    def __init__(self, engine: Engine) -> None:
        self.download = Download(tuple(manifest()), PLACE, "its tab takes it from now on")
        self.removal = Removal(engine)
        self.check = Check()

    def render(self) -> None:
        with gr.Tab(self.title) as self.tab:
            self.table = gr.HTML("Looking what is here …", elem_id=f"{PLACE}table")
            self.room = gr.HTML("", elem_id=f"{PLACE}room")
            with gr.Row(elem_classes="studio"):
                with gr.Column(min_width=300):
                    gr.Markdown("## Fetch")
                    self.download.render()
                with gr.Column(min_width=300):
                    self.removal.render()
                    gr.Markdown("## Verify")
                    self.check.render()

    def listen(self, page: gr.Blocks) -> None:
        self.check.listen()
        for trigger in (self.tab.select, self.download.listen(), self.removal.listen()):
            trigger(
                self.fill,
                inputs=[self.download.name, self.removal.name],
                outputs=[self.table, self.room, *self.download.offered, *self.removal.offered],
                preprocess=False,
                show_progress="hidden",
                concurrency_limit=None,
                api_visibility="private",
            )

    def fill(self, fetching: Any, removing: Any) -> Update:
        """Look what is here; the arguments are what is chosen in the two lists. Imports torch."""
        from deepfake_core.hub.inventory import free_bytes, inventory

        rows = inventory()
        removable = [row.entry.name for row in rows if row.removable]
        shown: Update = {
            self.table: table(rows),
            self.room: f"<p><strong>{free_bytes() / 1e9:.1f} GB</strong> are free on the disk of the weights.</p>",
        }
        return shown | self.download.offer(fetching) | self.removal.offer(removable, removing)


class Removal:
    """A list of weights that were fetched or imported, and two buttons: the second one appears after the first."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def render(self) -> None:
        with gr.Column(visible=switched_on()):
            gr.Markdown("## Remove")
            self.nothing = gr.HTML("<p>Nothing here was fetched or imported.</p>", elem_classes="quiet")
            with gr.Column(visible=False) as self.column:
                self.name = gr.Dropdown([], label="Weights to remove", elem_id=f"{PLACE}remove", filterable=False)
                with gr.Row(elem_classes="buttons"):
                    self.ask = gr.Button("Remove", min_width=120, elem_id=f"{PLACE}remove-ask")
                    self.really = gr.Button(
                        "Really remove", variant="stop", visible=False, min_width=120, elem_id=f"{PLACE}remove-really"
                    )
            self.said = gr.HTML("", elem_id=f"{PLACE}removed", elem_classes="progress")

    def listen(self) -> Any:
        """Returns the trigger that a removal is over."""
        quick: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
        self.ask.click(lambda: {self.really: gr.Button(visible=True), self.said: ""},
                       outputs=[self.really, self.said], **quick)  # fmt: skip
        self.name.input(lambda: gr.Button(visible=False), outputs=self.really, **quick)
        return self.really.click(
            self.remove,
            inputs=self.name,
            outputs=[self.really, self.said],
            preprocess=False,
            show_progress="hidden",
            api_visibility="private",
        ).then

    @property
    def offered(self) -> list[Any]:
        """The components that `offer` changes."""
        return [self.nothing, self.column, self.name, self.really]

    def offer(self, names: list[str], chosen: Any) -> Update:
        """List what can be removed; what is chosen stays so."""
        name = chosen if chosen in names else next(iter(names), None)
        shown: Update = {
            self.nothing: gr.HTML(visible=not names),
            self.column: gr.Column(visible=bool(names)),
            self.name: gr.Dropdown(choices=names, value=name),
        }
        return shown if name == chosen else shown | {self.really: gr.Button(visible=False)}

    def remove(self, name: Any) -> Update:
        """Delete the file of some weights, once its name is one of the manifest's: it comes from a visitor."""
        try:
            require_switched_on()
            if not isinstance(name, str) or name not in manifest():
                raise BadRequest("no such weights can be removed; choose some from the list")
            from deepfake_core.hub.inventory import remove

            remove(name)
            self.engine.forget(name)
            said = state(f"{html.escape(name)} was removed.")
        except Exception as error:
            said = alert(error)
        return {self.really: gr.Button(visible=False), self.said: said}


class Check:
    """A button that hashes everything that is here, and a line about each."""

    def render(self) -> None:
        gr.HTML(
            "<p>Hash every file again, and compare it with what was written down when it was made.</p>",
            elem_classes="quiet",
        )
        self.start = gr.Button("Verify", elem_id=f"{PLACE}verify")
        self.said = gr.HTML("", elem_id=f"{PLACE}verified", elem_classes="progress")

    def listen(self) -> None:
        self.start.click(
            self.verify,
            outputs=self.said,
            show_progress="hidden",
            concurrency_id="verify",  # it reads whole files: one visitor at a time
            concurrency_limit=1,
            api_visibility="private",
        )

    def verify(self) -> Iterator[str]:
        """A line for each file, as soon as it is hashed."""
        yield state("Hashing …")
        lines, damaged = "", 0
        try:
            from deepfake_core.hub.inventory import verify

            for one in verify():
                damaged += not one.intact
                words = html.escape(one.message)
                lines += f"<li>{html.escape(one.name)}: {words if one.intact else f'<strong>{words}</strong>'}</li>"
                yield f"{state('Hashing …')}<ul>{lines}</ul>"
        except Exception as error:
            yield f"{alert(error)}<ul>{lines}</ul>"
            return
        verdict = f"{count(damaged, 'file')} damaged." if damaged else "No file here is damaged."
        yield f"{state(verdict)}<ul>{lines}</ul>"


def table(rows: "list[Installed]") -> str:
    """All weights by the tab that takes them. It is wider than a phone, so it scrolls in a region of its own."""
    head = "".join(f'<th scope="col">{title}</th>' for title in COLUMNS)
    bodies = "".join(
        f'<tbody><tr><th scope="rowgroup" colspan="{len(COLUMNS)}">{html.escape(method(network).title)}</th></tr>'
        f"{''.join(map(table_row, group))}</tbody>"
        for network, group in groupby(rows, lambda row: row.entry.network)
    )
    return (
        '<div class="weights-table" role="region" aria-label="All weights" tabindex="0">'
        f"<table><thead><tr>{head}</tr></thead>{bodies}</table></div>"
    )


def table_row(row: "Installed") -> str:
    one = row.entry
    cells = (html.escape(one.about), size(row.bytes), html.escape(one.licence), linked(one), where(row))
    return f'<tr><th scope="row">{html.escape(one.name)}</th>{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>'


def linked(one: Entry) -> str:
    """The source, in which the authors' address can be clicked."""
    source, address = html.escape(one.source), html.escape(one.address or "")
    link = f'<a href="{address}" target="_blank" rel="noopener noreferrer">{address}</a>'
    return source.replace(address, link) if address else source


def where(row: "Installed") -> str:
    """Whether some weights are here, in words."""
    if row.path is None:
        return "not here"
    if not row.removable:
        return "<strong>comes with the repository</strong>"
    needs = "" if row.usable else f"; it needs {row.entry.needs} beside it"
    return f"<strong>on this machine</strong>{needs}"
