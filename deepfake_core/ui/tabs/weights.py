"""The Weights tab: list, download, remove and verify weights."""

import html
from collections.abc import Iterator
from itertools import groupby
from typing import TYPE_CHECKING, Any

import gradio as gr

from deepfake_core.errors import BadRequest
from deepfake_core.hub.manifest import manifest
from deepfake_core.ui.server.inference import Engine
from deepfake_core.ui.widgets.downloads import (
    Download,
    alert,
    label,
    linked_places,
    require_switched_on,
    size,
    switched_on,
)
from deepfake_core.ui.widgets.errors import Update
from deepfake_core.ui.widgets.stage import count, state
from deepfake_core.ui.widgets.startup_line import StartupLine, startup_line
from deepfake_core.ui.wiring import ANY_NUMBER, PRIVATE, QUIET

if TYPE_CHECKING:
    from deepfake_core.hub.inventory import Installed

PREFIX = "weights-"
COLUMNS = ("Name", "What for", "Size", "Source", "State")


class WeightsTab:
    """A table of all weights, and the actions below it."""

    title = "Weights"

    def __init__(self, engine: Engine) -> None:
        self.download = Download(tuple(manifest()), PREFIX, "its tab uses it from now on")
        self.removal = Removal(engine)
        self.check = Check()
        self.startup = StartupLine()

    def render(self) -> None:
        with gr.Tab(self.title) as self.tab:
            self.startup.render()
            self.table = gr.HTML("Looking for weights …", elem_id=f"{PREFIX}table")
            self.room = gr.HTML("", elem_id=f"{PREFIX}room")
            with gr.Row(elem_classes="studio"):
                with gr.Column(min_width=300):
                    gr.Markdown("## Download")
                    self.download.render()
                with gr.Column(min_width=300):
                    self.removal.render()
                    gr.Markdown("## Verify")
                    self.check.render()

    def listen(self, page: gr.Blocks) -> None:
        self.check.listen()
        self.startup.listen()
        for trigger in (self.tab.select, self.download.listen(), self.removal.listen()):
            trigger(
                self.fill,
                inputs=[self.download.name, self.removal.name],
                outputs=[self.table, self.room, self.startup.line, *self.download.offered, *self.removal.offered],
                preprocess=False,
                **ANY_NUMBER,
            )

    def fill(self, fetching: Any, removing: Any) -> Update:
        """Update the table and both lists; the arguments are the selections in the lists. Imports torch."""
        from deepfake_core.hub.inventory import free_bytes, inventory

        rows = inventory()
        removable = [(label(row.entry), row.entry.name) for row in rows if row.removable]
        shown: Update = {
            self.table: table(rows),
            self.startup.line: startup_line(),
            self.room: f"<p><strong>{free_bytes() / 1e9:.1f} GB</strong> are free on the weights' disk.</p>",
        }
        return shown | self.download.offer(fetching) | self.removal.offer(removable, removing)


class Removal:
    """A list of downloaded or imported weights, a Remove button, and a button that confirms."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def render(self) -> None:
        with gr.Column(visible=switched_on()):
            gr.Markdown("## Remove")
            self.nothing = gr.HTML("<p>No weights were downloaded or imported.</p>", elem_classes="quiet")
            with gr.Column(visible=False) as self.column:
                self.name = gr.Dropdown([], label="Weights to remove", elem_id=f"{PREFIX}remove", filterable=False)
                with gr.Row(elem_classes="buttons"):
                    self.start = gr.Button("Remove", min_width=120, elem_id=f"{PREFIX}remove-ask")
                    self.confirm = gr.Button(
                        "Confirm removal",
                        variant="stop",
                        visible=False,
                        min_width=120,
                        elem_id=f"{PREFIX}remove-really",
                    )
            self.status = gr.HTML("", elem_id=f"{PREFIX}removed", elem_classes="progress")

    def listen(self) -> Any:
        """Returns the trigger that fires when a removal has ended."""
        self.start.click(lambda: {self.confirm: gr.Button(visible=True), self.status: ""},
                       outputs=[self.confirm, self.status], **QUIET)  # fmt: skip
        self.name.input(lambda: gr.Button(visible=False), outputs=self.confirm, **QUIET)
        return self.confirm.click(
            self.remove,
            inputs=self.name,
            outputs=[self.confirm, self.status],
            preprocess=False,
            **PRIVATE,
        ).then

    @property
    def offered(self) -> list[Any]:
        """The components that `offer` updates."""
        return [self.nothing, self.column, self.name, self.confirm]

    def offer(self, choices: list[tuple[str, str]], chosen: Any) -> Update:
        """List what can be removed, as labels and names; keeps the selection."""
        names = [name for _, name in choices]
        name = chosen if chosen in names else next(iter(names), None)
        shown: Update = {
            self.nothing: gr.HTML(visible=not names),
            self.column: gr.Column(visible=bool(names)),
            self.name: gr.Dropdown(choices=choices, value=name),
        }
        return shown if name == chosen else shown | {self.confirm: gr.Button(visible=False)}

    def remove(self, name: Any) -> Update:
        """Delete the file of weights whose name, which the browser sent, is in the manifest."""
        try:
            require_switched_on()
            if not isinstance(name, str) or name not in manifest():
                raise BadRequest("these weights cannot be removed; choose some from the list")
            from deepfake_core.hub.inventory import remove

            remove(name)
            self.engine.forget(name)
            status = state(f"{html.escape(manifest()[name].title)} was removed.")
        except Exception as error:
            status = alert(error)
        return {self.confirm: gr.Button(visible=False), self.status: status}


class Check:
    """A button that verifies the checksums of all installed weights."""

    def render(self) -> None:
        gr.HTML(
            "<p>Hash every installed file, and compare it with the checksum that was recorded when it was created.</p>",
            elem_classes="quiet",
        )
        self.start = gr.Button("Verify", elem_id=f"{PREFIX}verify")
        self.status = gr.HTML("", elem_id=f"{PREFIX}verified", elem_classes="progress")

    def listen(self) -> None:
        self.start.click(
            self.verify,
            outputs=self.status,
            concurrency_id="verify",  # one at a time: it reads whole files
            concurrency_limit=1,
            **PRIVATE,
        )

    def verify(self) -> Iterator[str]:
        """One line per file, as soon as it is hashed."""
        yield state("Hashing …")
        lines, damaged = "", 0
        try:
            from deepfake_core.hub.inventory import verify

            for one in verify():
                damaged += not one.intact
                line = html.escape(one.message)
                lines += f"<li>{html.escape(one.name)}: {line if one.intact else f'<strong>{line}</strong>'}</li>"
                yield f"{state('Hashing …')}<ul>{lines}</ul>"
        except Exception as error:
            yield f"{alert(error)}<ul>{lines}</ul>"
            return
        verdict = f"{count(damaged, 'file')} damaged." if damaged else "All files are intact."
        yield f"{state(verdict)}<ul>{lines}</ul>"


def table(rows: "list[Installed]") -> str:
    """All weights by family, each with its licences. The table is wider than a phone, so it scrolls in its region."""
    head = "".join(f'<th scope="col">{title}</th>' for title in COLUMNS)
    bodies = "".join(
        f'<tbody><tr><th scope="rowgroup" colspan="{len(COLUMNS)}">{html.escape(title)}<br>'
        f'<span class="quiet">{html.escape(licences(family))}</span></th></tr>'
        f"{''.join(map(table_row, family))}</tbody>"
        for title, group in groupby(rows, lambda row: row.entry.family)
        if (family := list(group))
    )
    return (
        '<div class="weights-table" role="region" aria-label="All weights" tabindex="0">'
        f"<table><thead><tr>{head}</tr></thead>{bodies}</table></div>"
    )


def licences(family: "list[Installed]") -> str:
    """The licences of a family: of the published weights, and of those that come with the app."""
    published = dict.fromkeys(row.entry.licence for row in family if not row.entry.file)
    own = dict.fromkeys(row.entry.licence for row in family if row.entry.file)
    texts = [f"Licence: {'; '.join(published)}"] if published else []
    return ". ".join([*texts, *([f"Starter weights: {'; '.join(own)}"] if own else [])]) + "."


def table_row(row: "Installed") -> str:
    """The title, the name that commands use, and the facts."""
    one = row.entry
    name = f'{html.escape(one.title)}<br><code class="quiet">{html.escape(one.name)}</code>'
    source = html.escape(one.source) if one.starter else " or ".join(linked_places(one))
    cells = (html.escape(one.about), size(row.bytes), source, status_of(row))
    return f'<tr><th scope="row">{name}</th>{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>'


def status_of(row: "Installed") -> str:
    """Whether the weights are installed, as HTML."""
    if row.path is None:
        return "not installed"
    if not row.removable:
        return "<strong>included in the repository</strong>"
    needs = "" if row.usable else f"; it also needs {row.entry.needs}"
    return f"<strong>installed</strong>{needs}"
