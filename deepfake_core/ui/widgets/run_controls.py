"""Start and Stop, and the chain of events between them that all tabs share."""

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

NETWORK = "model"
"""The lane of everything that asks a network."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """Something that a tab can be asked to make."""

    triggers: Sequence[Any]
    """Events that start it, such as `button.click`."""
    run: Callable[..., Iterator[Update]]
    """Called with the run's deadline and the values of `inputs`. Yields what to show; its errors are shown too."""
    inputs: list[gr.components.Component]


class RunButtons:
    """The two buttons above a stage."""

    def __init__(self, label: str, stage: Stage) -> None:
        self.label, self.stage = label, stage

    def render(self) -> None:
        with gr.Row(elem_classes="buttons"):
            self.start = gr.Button(
                self.label, variant="primary", scale=3, min_width=140, elem_id=f"{self.stage.place}start"
            )
            self.stop = gr.Button("Stop", interactive=False, scale=1, min_width=90, elem_id=f"{self.stage.place}stop")

    def listen(self, jobs: Sequence[Job]) -> None:
        """Wire every job between the buttons; Stop cancels whichever of them runs."""
        runs: list[dict[str, Any]] = [self._chain(job, trigger) for job in jobs for trigger in job.triggers]
        self.stop.click(
            self.stage.stopping,
            outputs=self.stage.progress,
            cancels=runs,
            queue=False,
            show_progress="hidden",
            api_visibility="private",
        )

    def _chain(self, job: Job, trigger: Any) -> gr.events.Dependency:
        buttons = [self.start, self.stop]
        begun = trigger(
            self._begin,
            outputs=[*buttons, *self.stage.outputs],
            queue=False,  # at once, even while another visitor's run holds the network
            show_progress="hidden",
            api_visibility="private",
        )
        begun.failure(
            lambda: self.stage.failed(TooManyRuns(FULL)),
            outputs=self.stage.outputs,
            queue=False,
            show_progress="hidden",
            api_visibility="private",
        )
        run = begun.success(
            self._guarded(job),
            inputs=job.inputs,
            outputs=self.stage.outputs,
            preprocess=False,  # hostile files are opened by our own readers alone
            show_progress="full",  # the place in the queue
            show_progress_on=self.stage.progress,
            concurrency_id=NETWORK,
            concurrency_limit=1,
            api_visibility="private",
        )
        run.then(  # also after a cancelled run, and only when its last result has been shown
            self._end,
            inputs=self.stage.over,
            outputs=[*buttons, self.stage.progress],
            queue=False,
            show_progress="hidden",
            api_visibility="private",
        )
        return run

    def _guarded(self, job: Job) -> Callable[..., Iterator[Update]]:
        """The job, with its errors shown. Stop closes this generator at its `yield`, and with it the job's."""

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
