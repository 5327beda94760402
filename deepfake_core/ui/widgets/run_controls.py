"""The Start and Stop buttons, and the event chain of a run, which all tabs share."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.context import LocalContext

from deepfake_core.deadline import Deadline
from deepfake_core.errors import TooManyRuns
from deepfake_core.settings import settings
from deepfake_core.ui.server.queue import FULL, SupervisedQueue, address_of
from deepfake_core.ui.widgets.errors import Update
from deepfake_core.ui.widgets.stage import Stage
from deepfake_core.ui.wiring import NETWORK, ON_NETWORK, QUIET


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """A run that a tab can start."""

    triggers: Sequence[Any]
    """Events that start it, such as `button.click`."""
    run: Callable[..., Iterator[Update]]
    """Called with the deadline and the values of `inputs`. Yields updates; its exceptions are shown as messages."""
    inputs: list[gr.components.Component]


class RunControls:
    """The Start and Stop buttons above a stage."""

    def __init__(self, label: str, stage: Stage) -> None:
        self.label, self.stage = label, stage

    def render(self) -> None:
        with gr.Row(elem_classes="buttons"):
            self.start = gr.Button(
                self.label, variant="primary", scale=3, min_width=140, elem_id=f"{self.stage.prefix}start"
            )
            self.stop = gr.Button("Stop", interactive=False, scale=1, min_width=90, elem_id=f"{self.stage.prefix}stop")

    def listen(self, jobs: Sequence[Job]) -> None:
        """Wire all jobs; Stop cancels the one that is running."""
        runs: list[dict[str, Any]] = [self._chain(job, trigger) for job in jobs for trigger in job.triggers]
        self.stop.click(
            self.stage.stopping,
            outputs=self.stage.progress,
            cancels=runs,
            **QUIET,
        )

    def _chain(self, job: Job, trigger: Any) -> gr.events.Dependency:
        buttons = [self.start, self.stop]
        begun = trigger(
            self._begin,
            outputs=[*buttons, *self.stage.outputs],
            **QUIET,
        )
        begun.failure(
            lambda: self.stage.failed(TooManyRuns(FULL)),
            outputs=self.stage.outputs,
            **QUIET,
        )
        run = begun.success(
            self._guarded(job),
            inputs=job.inputs,
            outputs=self.stage.outputs,
            preprocess=False,  # untrusted files are opened only by our own readers
            show_progress_on=self.stage.progress,
            **ON_NETWORK | {"show_progress": "full"},  # shows the position in the queue
        )
        run.then(  # also after a cancelled run; waits until the last result has been shown
            self._end,
            inputs=self.stage.over,
            outputs=[*buttons, self.stage.progress],
            **QUIET,
        )
        return run

    def _guarded(self, job: Job) -> Callable[..., Iterator[Update]]:
        """The job with its exceptions shown. Stop closes this generator at its `yield`, and thereby the job's."""

        def run(*values: Any) -> Iterator[Update]:
            deadline = Deadline.after(settings().job_seconds)
            try:
                with closing(job.run(deadline, *values)) as updates:  # type: ignore[type-var]
                    for update in updates:
                        deadline.check()
                        yield update
            except Exception as error:
                yield self.stage.failed(error)

        return run

    def _begin(self, request: gr.Request) -> Update:
        page = LocalContext.blocks.get()
        if page is not None and isinstance(page._queue, SupervisedQueue):
            refusal = page._queue.refusal(NETWORK, str(request.session_hash), address_of(request))
            if refusal:
                raise gr.Error(refusal, print_exception=False)
        return self._enabled(running=True) | self.stage.begin()

    def _end(self, over: bool) -> Update:
        return self._enabled(running=False) | ({} if over else self.stage.stopped())

    def _enabled(self, *, running: bool) -> Update:
        return {self.start: gr.Button(interactive=not running), self.stop: gr.Button(interactive=running)}
