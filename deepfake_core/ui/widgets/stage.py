"""The results side of a tab: status line, error message, results and notes."""

import html
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import gradio as gr
from gradio.blocks import Block

from deepfake_core.ui.widgets.advice import Advice
from deepfake_core.ui.widgets.errors import ErrorMessage, Update

if TYPE_CHECKING:
    from deepfake_core.pipelines.events import Finished


@dataclass(frozen=True, slots=True)
class Done:
    """The end of a run that succeeded."""

    made_from: str
    paths: tuple[Path, ...]
    """The main results, while the update is handled."""


class Stage(ABC):
    """Status line, error message, hint and notes; each tab's subclass adds the results."""

    def __init__(self, hint: str, prefix: str = "") -> None:
        self.hint_text = hint
        self.prefix = prefix
        """Prefix of the element ids, which are unique on the page."""
        self.error_message = ErrorMessage()
        self.advice = Advice(f"{prefix}result-advice")

    def render(self) -> None:
        self.over = gr.State(False)  # `Done` or true after a run succeeded or failed; false for a stopped run
        self.error_message.render()
        self.progress = gr.HTML(state("Ready."), elem_id=f"{self.prefix}progress", elem_classes="progress")
        self.hint = gr.HTML(f"<p>{self.hint_text}</p>", elem_id=f"{self.prefix}hint", elem_classes="hint")
        self.advice.render()
        self.render_results()
        self.notes = gr.HTML("", elem_id=f"{self.prefix}notes", elem_classes="quiet")

    @abstractmethod
    def render_results(self) -> None:
        """Render the components of the results, hidden."""

    @property
    @abstractmethod
    def results(self) -> list[Block]:
        """The components that `render_results` placed."""

    @abstractmethod
    def cleared(self) -> Update:
        """Hide the results."""

    def listen(self, crop: gr.Radio) -> None:
        self.error_message.listen(crop)

    @property
    def outputs(self) -> list[Block]:
        """Every component that a run may update."""
        common = [self.over, *self.error_message.outputs, self.progress, self.hint, self.notes]
        return [*common, *self.advice.outputs, *self.results]

    def begin(self) -> Update:
        """Clear the stage."""
        return self.error_message.clear() | self.cleared() | self.advice.shown(None) | {
            self.over: False,
            self.progress: state("Preparing …"),
            self.hint: gr.HTML(visible=False),
            self.notes: "",
        }  # fmt: skip

    def example(self, shown: Update) -> Update:
        """The result of an example, before anything was started."""
        return shown | {self.progress: state("Ready. Below is an example's result."), self.hint: gr.HTML(visible=False)}

    def stopping(self) -> str:
        return state("Stopping …")

    def stopped(self) -> Update:
        return {self.progress: state("Stopped. Nothing was saved.")}

    def failed(self, error: Exception) -> Update:
        return self.error_message.show(error) | self.cleared() | {
            self.over: True,
            self.progress: state("Ready."),
            self.hint: gr.HTML(visible=True),
        }  # fmt: skip

    def done(self, text: str, event: "Finished", made_from: str = "", paths: Sequence[Path] = ()) -> Update:
        """The run has succeeded: its notes, and above the results whether other weights would suit the picture.

        `made_from`: see the function of that name; `paths`: the results to keep.
        """
        said = event.mismatch.text if event.mismatch else None
        listed = "".join(f"<li>{html.escape(note)}</li>" for note in event.notes if note != said)
        origin = f'<p class="made-from">{html.escape(made_from)}</p>' if made_from else ""
        shown: Update = {self.progress: state(text), self.notes: f"{origin}<ul>{listed}</ul>"}
        return {self.over: Done(made_from, tuple(paths)), **shown} | self.advice.shown(event.mismatch)


def made_from(weights: str, *inputs: str) -> str:
    """What a result was made from, as a sentence: "Made from portrait mei and clip sing with fomm-starter."."""
    listed = f"{', '.join(inputs[:-1])} and {inputs[-1]}" if len(inputs) > 1 else "".join(inputs)
    return f"Made from {listed} with {weights}."


def result_name(*parts: str) -> str:
    """A file name without suffix that says what a result was made from: mei-driven-by-sing."""
    return "-".join(filter(None, map(_name_part, parts))) or "result"


def _name_part(text: str) -> str:
    """Letters and digits of a name, at most 60 bytes."""
    words = "-".join("".join(letter if letter.isalnum() else " " for letter in text).lower().split())
    return words.encode()[:60].decode(errors="ignore").strip("-")


def state(text: str) -> str:
    """The status line as HTML."""
    return f'<p class="state" role="status">{text}</p>'


def bar(what: str, done: int, total: int | None, *more: str) -> str:
    """A progress bar with a line such as "frame 37 of 120 · 8.2 frames/s · 10 s left"."""
    parts = [f"{what} {done} of {total}" if total else f"{what} {done}", *more]
    span = f'value="{min(done, total)}" max="{total}"' if total else ""
    label = f"{what.capitalize()}s done"
    return f'<progress {span} aria-label="{label}"></progress><p class="state">{" · ".join(parts)}</p>'


def count(number: int, what: str) -> str:
    """A number with its noun: "1 picture", "2 pictures"."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
