"""The stage: frames while they are made, then the finished videos and what the visitor should know about them."""

import html
import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import gradio as gr

from deepfake_core.ui.trouble import Trouble, Update

if TYPE_CHECKING:
    from deepfake_core.pipelines.animation import Finished, Progress, Searching

SECONDS_BETWEEN_UPDATES = 0.1
"""Of the live preview: more often is not seen, and only fills the line."""
HINT = "<p>Press <strong>Animate</strong>: the portrait moves here, frame by frame, beside the driving clip.</p>"


class Outcome:
    """Live preview, progress, result, side-by-side video and notes."""

    def __init__(self) -> None:
        self.trouble = Trouble()

    def render(self) -> None:
        self.over = gr.State(False)  # whether the run came to its own end, well or badly; a stopped one did not
        self.trouble.render()
        self.progress = gr.HTML(_state("Ready."), elem_id="progress")
        self.hint = gr.HTML(HINT, elem_id="hint")
        self.live = gr.Image(
            label="Live: driving clip and result",
            alt_text="The newest frame of the driving clip, and beside it the frame made from it",
            format="jpeg",
            interactive=False,
            buttons=[],
            visible=False,
            elem_id="live",
            elem_classes="media",
        )
        self.video = gr.Video(
            label="Result", format=None, include_audio=True, interactive=False, autoplay=True, visible=False,
            buttons=["download"], height=430, elem_id="result", elem_classes="media",
        )  # fmt: skip
        self.beside = gr.Video(
            label="Side by side: portrait, driving clip, result", format=None, include_audio=True, interactive=False,
            visible=False, buttons=["download"], elem_id="side-by-side", elem_classes="media",
        )  # fmt: skip
        self.notes = gr.HTML("", elem_id="notes", elem_classes="quiet")

    def listen(self, crop: gr.Radio) -> None:
        self.trouble.listen(crop)

    @property
    def outputs(self) -> list[gr.components.Component]:
        """Every component that a run may change."""
        return [
            self.over,
            self.trouble.text,
            self.trouble.whole,
            self.progress,
            self.hint,
            self.live,
            self.video,
            self.beside,
            self.notes,
        ]

    def begin(self) -> Update:
        """Clear the stage."""
        return self.trouble.clear() | {
            self.over: False,
            self.progress: _state("Getting ready …"),
            self.hint: gr.HTML(visible=False),
            self.live: gr.Image(None, visible=True),
            self.video: gr.Video(None, visible=False),
            self.beside: gr.Video(None, visible=False),
            self.notes: "",
        }

    def stopping(self) -> str:
        return _state("Stopping …")

    def stopped(self) -> Update:
        return {self.progress: _state("Stopped. Nothing was saved.")}

    def failed(self, error: Exception) -> Update:
        return self.trouble.tell(error) | {
            self.over: True,
            self.progress: _state("Ready."),
            self.hint: gr.HTML(visible=True),
            self.live: gr.Image(None, visible=False),
        }

    def follow(self, events: "Iterable[Searching | Progress | Finished]") -> Iterator[Update]:
        """Show what a pipeline yields: some of its frames, and the finished files."""
        from deepfake_core.pipelines.animation import Finished, Progress

        shown = float("-inf")
        for event in events:
            if isinstance(event, Finished):
                yield self._finished(event)
            elif not isinstance(event, Progress):
                total = f" of {event.total}" if event.total else ""
                yield {self.progress: _state(f"Looking for the best frame: {event.looked_at}{total}")}
            elif time.monotonic() - shown >= SECONDS_BETWEEN_UPDATES:
                shown = time.monotonic()
                yield self._progressing(event)

    def _progressing(self, event: "Progress") -> Update:
        from deepfake_core.pipelines.insight import beside
        from deepfake_core.provenance.label import label

        return {
            self.live: label(beside(event.driving_frame, event.frame)),
            self.progress: _bar(event.index + 1, event.total, event.frames_per_second, event.seconds_left),
        }

    def _finished(self, event: "Finished") -> Update:
        speed = event.frames / max(event.seconds, 1e-3)
        text = f"Done: {_count(event.frames, 'frame')} in {event.seconds:.1f} s ({speed:.1f} frames/s)."
        notes = "".join(f"<li>{html.escape(note)}</li>" for note in event.notes)
        return {
            self.over: True,
            self.progress: _state(text),
            self.live: gr.Image(None, visible=False),
            self.video: gr.Video(str(event.path), visible=True),
            self.beside: gr.Video(str(event.side_by_side) if event.side_by_side else None,
                                  visible=event.side_by_side is not None),
            self.notes: f"<ul>{notes}</ul>",
        }  # fmt: skip


def _state(text: str) -> str:
    return f'<p class="state" role="status">{text}</p>'


def _bar(done: int, total: int | None, rate: float, left: float | None) -> str:
    """A progress bar and a line such as "frame 37 of 120 · 8.2 frames/s · 10 s left"."""
    parts = [f"frame {done} of {total}" if total else f"frame {done}", f"{rate:.1f} frames/s"]
    if left is not None:
        parts.append(f"{left:.0f} s left" if left < 90 else f"{left / 60:.0f} min left")
    span = f'value="{min(done, total)}" max="{total}"' if total else ""
    return f'<progress {span} aria-label="Frames made"></progress><p class="state">{" · ".join(parts)}</p>'


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
