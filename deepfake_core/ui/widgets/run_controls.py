"""The Start and Stop buttons, and the event chain of a run, which all tabs share."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Protocol

import gradio as gr
from gradio.context import LocalContext

from deepfake_core.deadline import NEVER, Deadline
from deepfake_core.errors import TooManyRuns
from deepfake_core.settings import settings
from deepfake_core.ui.server.example_cache import only_remembered
from deepfake_core.ui.server.queue import FULL, SupervisedQueue, address_of
from deepfake_core.ui.widgets.errors import Update
from deepfake_core.ui.widgets.stage import Stage, count, state
from deepfake_core.ui.wiring import FINDS_REMEMBERED, NETWORK, ON_NETWORK, QUIET

QUEUE_SECONDS = 2.0
"""Between updates of the line about the queue."""
MADE_BEFORE = "Done: this result of an example was made before."
NUMBERS = itertools.count(1)
"""Of the runs that go into the queue."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """A run that a tab can start."""

    triggers: Sequence[Any]
    """Events that start it, such as `button.click`."""
    run: Callable[..., Iterator[Update]]
    """Called with the deadline and the values of `inputs`. Yields updates; its exceptions are shown as messages."""
    inputs: list[gr.components.Component]


Keep = Callable[[Sequence[Any], Any], None]
"""Called with the values of a job's inputs and the state of its end, if it is there: `stage.Done` after success."""


def dont_keep(values: Sequence[Any], done: Any) -> None:
    """Keep nothing."""


class ResultKeeper(Protocol):
    """Keeps the session's results of one tab; see `session_gallery`."""

    ended: list[Any]
    """Triggers that fire when a run has ended."""

    def keeping(self, job: Job) -> Keep:
        """What is called with each update of the job."""

    def restored(self, job: Job) -> Any:
        """A trigger that fires when the values of a kept result are in the job's inputs again."""


class RunControls:
    """The Start and Stop buttons above a stage."""

    def __init__(self, label: str, stage: Stage) -> None:
        self.label, self.stage = label, stage
        self.keeper: ResultKeeper | None = None
        """Set by the page before `listen`."""

    def render(self) -> None:
        with gr.Row(elem_classes="buttons"):
            self.start = gr.Button(
                self.label, variant="primary", scale=3, min_width=140, elem_id=f"{self.stage.prefix}start"
            )
            self.stop = gr.Button("Stop", interactive=False, scale=1, min_width=90, elem_id=f"{self.stage.prefix}stop")
        self.queued = gr.Timer(QUEUE_SECONDS, active=False)

    def listen(self, jobs: Sequence[Job]) -> None:
        """Wire all jobs; Stop cancels the one that is running."""
        runs: list[dict[str, Any]] = [self._chain(job) for job in jobs]
        self.stop.click(
            self.stage.stopping,
            outputs=self.stage.progress,
            cancels=runs,
            **QUIET,
        )
        self.queued.tick(
            self.place_in_queue,
            outputs=[self.stage.progress, self.queued],
            **QUIET,
        )

    def _chain(self, job: Job) -> gr.events.Dependency:
        """Begin; show a remembered result, or else join the queue by a new ticket; run; end."""
        ticket = gr.State(0)
        running = [self.start, self.stop, self.queued]
        keep = self.keeper.keeping(job) if self.keeper else dont_keep
        again = [self.keeper.restored(job)] if self.keeper else []
        for trigger in [*job.triggers, *again]:
            shown = trigger(
                self._begin,
                outputs=[*running, *self.stage.outputs],
                **QUIET,
            ).success(
                self._remembered(job, ticket, keep),
                inputs=job.inputs,
                outputs=[ticket, *running, *self.stage.outputs],
                preprocess=False,
                **FINDS_REMEMBERED,
            )
            self._kept(shown)
            shown.failure(
                lambda: self.stage.failed(TooManyRuns(FULL)) | self._enabled(running=False),
                outputs=[*running, *self.stage.outputs],
                **QUIET,
            )
        run = ticket.change(
            self._guarded(job, keep),
            inputs=job.inputs,
            outputs=self.stage.outputs,
            preprocess=False,  # untrusted files are opened only by our own readers
            **ON_NETWORK,
        )
        ended = run.then(  # also after a cancelled run; waits until the last result has been shown
            self._end,
            inputs=self.stage.over,
            outputs=[*running, self.stage.progress],
            **QUIET,
        )
        self._kept(ended)
        return run

    def _kept(self, ended: gr.events.Dependency) -> None:
        if self.keeper:
            self.keeper.ended.append(ended.then)

    def _remembered(self, job: Job, ticket: gr.State, keep: Keep = dont_keep) -> Callable[..., Update]:
        """Show the result at once if it is remembered; whatever else there is to say is said by the run."""

        def answer(*values: Any) -> Update:
            found = remembered(job.run, *values)
            if found is not None:
                keep(values, found.get(self.stage.over))
                return found | {self.stage.progress: state(MADE_BEFORE)} | self._enabled(running=False)
            check_queue(LocalContext.request.get(None))
            return {ticket: next(NUMBERS)}

        return answer

    def _guarded(self, job: Job, keep: Keep = dont_keep) -> Callable[..., Iterator[Update]]:
        """The job with its exceptions shown. Stop closes this generator at its `yield`, and thereby the job's."""

        def run(*values: Any) -> Iterator[Update]:
            deadline = Deadline.after(settings().job_seconds)
            try:
                with closing(job.run(deadline, *values)) as updates:  # type: ignore[type-var]
                    for update in updates:
                        deadline.check()
                        keep(values, update.get(self.stage.over))
                        yield update
            except Exception as error:
                yield self.stage.failed(error)

        return run

    def place_in_queue(self, request: gr.Request) -> Update:
        """Say how many runs are before this session's; after the run has begun, stop asking."""
        queue = current_queue()
        before = queue.runs_before(str(request.session_hash)) if queue else None
        if before is None:
            return {self.queued: gr.Timer(active=False)}
        ahead = f"{count(before, 'run')} {'is' if before == 1 else 'are'} before yours" if before else "yours is next"
        return {self.stage.progress: state(f"Waiting for other visitors: {ahead}.")}

    def _begin(self) -> Update:
        return self._enabled(running=True) | self.stage.begin()

    def _end(self, over: object) -> Update:
        return self._enabled(running=False) | ({} if over else self.stage.stopped())

    def _enabled(self, *, running: bool) -> Update:
        return {
            self.start: gr.Button(interactive=not running),
            self.stop: gr.Button(interactive=running),
            self.queued: gr.Timer(active=running),
        }


def remembered(run: Callable[..., Iterator[Update]], *values: Any) -> Update | None:
    """The last state of a run whose result is remembered; None if it has to be computed, or cannot."""
    shown: Update = {}
    try:
        with only_remembered(), closing(run(NEVER, *values)) as updates:  # type: ignore[type-var]
            for update in updates:
                shown |= update
    except Exception:  # not remembered, or an error, which the run will show
        return None
    return shown


def check_queue(request: Any) -> None:
    """Raise `gr.Error` if another run of this session may not be queued."""
    queue = current_queue()
    refusal = queue.refusal(NETWORK, str(request.session_hash), address_of(request)) if queue and request else None
    if refusal:
        raise gr.Error(refusal, print_exception=False)


def current_queue() -> SupervisedQueue | None:
    """The queue of the page whose handler is running; None without a server."""
    page = LocalContext.blocks.get(None)
    queue = page._queue if page is not None else None
    return queue if isinstance(queue, SupervisedQueue) else None
