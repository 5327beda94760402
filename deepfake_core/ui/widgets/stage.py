"""What every tab's right-hand side has in common: how the run goes, what went wrong, and notes under the results."""

import html
from collections.abc import Iterable

import gradio as gr
from gradio.blocks import Block

from deepfake_core.ui.widgets.errors import Trouble, Update


class Stage:
    """State line, hint and notes around the results, which each tab's own stage adds."""

    def __init__(self, hint: str, place: str = "") -> None:
        self.hint_text = hint
        self.place = place
        """Goes before the ids of the parts, which are unique on the page."""
        self.trouble = Trouble()

    def render(self) -> None:
        self.over = gr.State(False)  # whether the run came to its own end, well or badly; a stopped one did not
        self.trouble.render()
        self.progress = gr.HTML(state("Ready."), elem_id=f"{self.place}progress", elem_classes="progress")
        self.hint = gr.HTML(f"<p>{self.hint_text}</p>", elem_id=f"{self.place}hint", elem_classes="hint")
        self.render_results()
        self.notes = gr.HTML("", elem_id=f"{self.place}notes", elem_classes="quiet")

    def render_results(self) -> None:
        """Place the components of the results, hidden."""
        raise NotImplementedError

    @property
    def results(self) -> list[Block]:
        """The components that `render_results` placed."""
        raise NotImplementedError

    def cleared(self) -> Update:
        """The results, gone."""
        raise NotImplementedError

    def listen(self, crop: gr.Radio) -> None:
        self.trouble.listen(crop)

    @property
    def outputs(self) -> list[Block]:
        """Every component that a run may change."""
        common = [self.over, self.trouble.text, self.trouble.whole, self.progress, self.hint, self.notes]
        return [*common, *self.results]

    def begin(self) -> Update:
        """Clear the stage."""
        return self.trouble.clear() | self.cleared() | {
            self.over: False,
            self.progress: state("Getting ready …"),
            self.hint: gr.HTML(visible=False),
            self.notes: "",
        }  # fmt: skip

    def stopping(self) -> str:
        return state("Stopping …")

    def stopped(self) -> Update:
        return {self.progress: state("Stopped. Nothing was saved.")}

    def failed(self, error: Exception) -> Update:
        return self.trouble.tell(error) | self.cleared() | {
            self.over: True,
            self.progress: state("Ready."),
            self.hint: gr.HTML(visible=True),
        }  # fmt: skip

    def done(self, text: str, notes: Iterable[str]) -> Update:
        """The run came to its end."""
        listed = "".join(f"<li>{html.escape(note)}</li>" for note in notes)
        return {self.over: True, self.progress: state(text), self.notes: f"<ul>{listed}</ul>"}


def state(text: str) -> str:
    """One line that says how things stand."""
    return f'<p class="state" role="status">{text}</p>'


def bar(what: str, done: int, total: int | None, *more: str) -> str:
    """A progress bar and a line such as "frame 37 of 120 · 8.2 frames/s · 10 s left"."""
    parts = [f"{what} {done} of {total}" if total else f"{what} {done}", *more]
    span = f'value="{min(done, total)}" max="{total}"' if total else ""
    label = f"{what.capitalize()}s made"
    return f'<progress {span} aria-label="{label}"></progress><p class="state">{" · ".join(parts)}</p>'


def count(number: int, what: str) -> str:
    """A number and a noun that agrees with it."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
