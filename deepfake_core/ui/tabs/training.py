"""The Training tab: a GAN in the plane that learns before one's eyes."""

import html
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.components import Component

from deepfake_core.deadline import Deadline
from deepfake_core.errors import TookTooLong
from deepfake_core.ui.widgets.errors import ErrorMessage, Update
from deepfake_core.ui.widgets.inputs import Inputs
from deepfake_core.ui.widgets.studio import purpose
from deepfake_core.ui.wiring import PRIVATE, QUIET

if TYPE_CHECKING:
    from deepfake_core.pipelines.plane_gan.snapshot import Snapshot
    from deepfake_core.pipelines.plane_gan.training import PlaneGan, PlaneGanSettings

SECONDS = 90
"""For which one press of Run plays."""
PLAYING = {**PRIVATE, "concurrency_id": "plane", "concurrency_limit": 3}
"""Small networks on one core: they take no turns with the large ones."""
SHORT = {**PRIVATE, "concurrency_id": "plane-short", "concurrency_limit": 2}
"""One figure: whoever opens the tab does not wait for those who play."""
RATES = ["0.0001", "0.0003", "0.001", "0.002", "0.003", "0.005", "0.01"]
OBJECTIVES = [
    ("Non-saturating: −log D", "log"),
    ("The paper's first: log(1 − D)", "minimax"),
    ("Least squares", "least_squares"),
    ("Wasserstein, with penalty", "wasserstein"),
]
PURPOSE = "Watch a GAN learn within a minute, and see what happens when it does not."
INTRODUCTION = """
Two networks play against each other. The **generator** maps a square grid of latent points to the plane; the
**discriminator** colours the plane: blue where it takes a point for real, orange where for generated. Each learns from
the other's last move, a thousand times a minute, here before your eyes. What you change takes effect at once.
"""
DELIMITERS: list[dict[str, str | bool]] = [
    {"left": "$$", "right": "$$", "display": True},
    {"left": r"\(", "right": r"\)", "display": False},
]
LEGEND = """
<ul class="plane-legend"><li class="real">real points</li><li class="made">generated points</li>
<li class="lines">the generator's grid</li><li class="arrows">where its gradient pulls</li></ul>
"""
VALUE = r"""
The discriminator \(D\) and the generator \(G\) optimise one value in opposite directions
(Goodfellow et al., 2014, equation 1):
"""
EQUATION = r"$$\min_G \max_D \; \mathbb{E}_{x \sim \text{data}}[\log D(x)] + \mathbb{E}_{z}[\log(1 - D(G(z)))]$$"
ABOUT = """
Algorithm 1 of the paper takes k steps of the discriminator for each of the generator. The **energy distance** between
generated and real points says how far apart the two distributions are; a cluster is **covered** if at least a quarter
of its share of the points lies within three standard deviations. The four tabs before this one play the same game, with
pictures instead of points.
([Generative Adversarial Nets, Goodfellow et al., NIPS 2014](https://arxiv.org/abs/1406.2661);
[mode seeking, Mao et al., CVPR 2019](https://arxiv.org/abs/1903.05628);
[gradient penalty, Gulrajani et al., NIPS 2017](https://arxiv.org/abs/1704.00028))
"""


class TrainingTab:
    """Controls on the left, the plane and the curves on the right."""

    title = "Training"

    def __init__(self) -> None:
        self.error_message = ErrorMessage()

    def render(self) -> None:
        from deepfake_core.pipelines.plane_gan.lessons import LESSONS

        with gr.Tab(self.title) as self.tab:
            self.gan = gr.State(None)
            purpose(PURPOSE)
            gr.Markdown(INTRODUCTION)
            with gr.Row(elem_classes="studio"):
                with gr.Column(scale=5, min_width=300):
                    lessons = [(lesson.title, name) for name, lesson in LESSONS.items()]
                    self.lesson = gr.Radio(lessons, value="balanced", label="Lesson", elem_id="plane-lesson")
                    self.watch = gr.HTML(watch_html("balanced"), elem_classes="quiet")
                    self._render_settings()
                with gr.Column(scale=6, min_width=300, elem_classes="results"):
                    with gr.Row(elem_classes="buttons"):
                        self.run = gr.Button("Run", variant="primary", scale=3, min_width=140, elem_id="plane-run")
                        self.stop = gr.Button("Pause", scale=1, min_width=90, elem_id="plane-stop")
                    with gr.Row(elem_classes="plane-more"):
                        self.step = gr.Button("One step", size="sm", min_width=110, elem_id="plane-step")
                        self.reset = gr.Button("Start anew", size="sm", min_width=110, elem_id="plane-reset")
                    self.error_message.render()
                    self.figure = gr.HTML("", elem_id="plane-figure")
                    gr.HTML(LEGEND, elem_classes="quiet")
                    self.curves = gr.HTML("", elem_id="plane-curves")
            with gr.Accordion("How it works", open=False):
                for part in (VALUE, EQUATION, ABOUT):
                    gr.Markdown(part, latex_delimiters=DELIMITERS)

    def _render_settings(self) -> None:
        from deepfake_core.pipelines.plane_gan.distributions import DISTRIBUTIONS

        shapes = [(one.title, name) for name, one in DISTRIBUTIONS.items()]
        start = fields_of("balanced")
        self.distribution = gr.Radio(shapes, value=start["distribution"], label="Real points")
        self.objective = gr.Dropdown(OBJECTIVES, value=start["objective"], label="Loss of the generator")
        with gr.Row():
            self.generator_rate = gr.Dropdown(
                RATES, value=start["generator_rate"], label="Learning rate of the generator"
            )
            self.discriminator_rate = gr.Dropdown(
                RATES, value=start["discriminator_rate"], label="Learning rate of the discriminator"
            )
        with gr.Accordion("More settings", open=False):
            self.discriminator_steps = gr.Slider(
                1, 10, 1, step=1, label="Steps of the discriminator for each of the generator (k)"
            )
            self.momentum = gr.Slider(0, 0.95, start["momentum"], step=0.05, label="Momentum")
            self.batch = gr.Slider(16, 256, start["batch"], step=16, label="Points in a batch")
            self.mode_seeking = gr.Slider(0, 0.5, 0, step=0.05, label="Mode seeking, weight")
            self.penalty = gr.Slider(0, 1, 0, step=0.05, label="Gradient penalty, weight")
        self.speed = gr.Slider(1, 20, 10, step=1, label="Steps in each frame", elem_id="plane-speed", buttons=[])

    @property
    def fields(self) -> Inputs:
        """The widgets, named like the fields of `PlaneGanSettings`."""
        return Inputs(
            distribution=self.distribution, objective=self.objective, generator_rate=self.generator_rate,
            discriminator_rate=self.discriminator_rate, discriminator_steps=self.discriminator_steps,
            momentum=self.momentum, batch=self.batch, mode_seeking=self.mode_seeking, penalty=self.penalty,
        )  # fmt: skip

    def listen(self, page: gr.Blocks) -> None:
        fields: list[Component] = self.fields.components
        shown = [self.gan, self.figure, self.curves, *self.error_message.outputs]
        playing = self.run.click(
            self.play,
            inputs=[self.gan, self.lesson, self.speed, *fields],
            outputs=shown,
            trigger_mode="once",
            **PLAYING,
        )
        self.stop.click(None, cancels=[playing], **QUIET)
        one = [self.gan, self.lesson, *fields]
        self.step.click(self.take_step, inputs=one, outputs=shown, cancels=[playing], **SHORT)
        self.reset.click(self.start_anew, inputs=[self.lesson, *fields], outputs=shown, cancels=[playing], **SHORT)
        self.lesson.input(
            self.choose, inputs=self.lesson, outputs=[self.watch, *fields, *shown], cancels=[playing], **SHORT
        )
        changes = [getattr(one, "release", None) or one.input for one in fields]  # type: ignore[attr-defined]
        gr.on(changes, self.change, inputs=[self.gan, self.lesson, *fields], outputs=None, **QUIET)
        self.tab.select(self.show, inputs=one, outputs=shown, **SHORT)

    def play(self, gan: "PlaneGan | None", lesson: str, speed: float | int, *values: Any) -> Iterator[Update]:
        """Train for at most `SECONDS`, with a figure for each frame."""
        try:
            from deepfake_core.pipelines.plane_gan.playback import play

            gan = self._current(gan, lesson, values)
            yield {self.gan: gan} | self.error_message.clear()
            for snapshot in play(gan, int(speed), Deadline.after(SECONDS)):
                yield self._shown(gan, snapshot)
        except TookTooLong:
            return  # Run goes on from here
        except Exception as error:
            yield self.error_message.show(error)

    def take_step(self, gan: "PlaneGan | None", lesson: str, *values: Any) -> Update:
        """One step of both networks."""
        from deepfake_core.pipelines.plane_gan.snapshot import take

        gan = self._current(gan, lesson, values)
        gan.step()
        return {self.gan: gan} | self._shown(gan, take(gan))

    def start_anew(self, lesson: str, *values: Any) -> Update:
        """New networks from the lesson's seed, with the settings of the page."""
        return self.show(None, lesson, *values)

    def show(self, gan: "PlaneGan | None", lesson: str, *values: Any) -> Update:
        """Show the networks as they are."""
        from deepfake_core.pipelines.plane_gan.snapshot import take

        gan = self._current(gan, lesson, values)
        return {self.gan: gan} | self._shown(gan, take(gan)) | self.error_message.clear()

    def choose(self, lesson: str) -> Update:
        """The lesson's settings in all widgets, and new networks."""
        named = fields_of(lesson)
        chosen = dict(zip(self.fields.components, (named[name] for name in self.fields.names), strict=True))
        return {self.watch: watch_html(lesson)} | chosen | self.start_anew(lesson, *chosen.values())

    def change(self, gan: "PlaneGan | None", lesson: str, *values: Any) -> None:
        """Use other settings from the next step on."""
        if gan is not None:
            gan.change(self._settings(lesson, values))

    def _current(self, gan: "PlaneGan | None", lesson: str, values: Any) -> "PlaneGan":
        from deepfake_core.pipelines.plane_gan.training import PlaneGan

        settings = self._settings(lesson, values)
        if gan is None:
            return PlaneGan(settings)
        gan.change(settings)
        return gan

    def _settings(self, lesson: str, values: Any) -> "PlaneGanSettings":
        from deepfake_core.pipelines.plane_gan.lessons import LESSONS
        from deepfake_core.pipelines.plane_gan.training import PlaneGanSettings

        named: dict[str, Any] = self.fields.named(values)
        named |= {name: float(named[name]) for name in ("generator_rate", "discriminator_rate")}
        named |= {name: int(named[name]) for name in ("discriminator_steps", "batch")}
        return PlaneGanSettings(**named, seed=LESSONS[lesson].settings.seed)

    def _shown(self, gan: "PlaneGan", snapshot: "Snapshot") -> Update:
        from deepfake_core.pipelines.plane_gan.figure import curves_html, plane

        return {self.figure: plane(snapshot), self.curves: curves_html(gan.history, snapshot)}


def fields_of(lesson: str) -> dict[str, Any]:
    """The values of the widgets for a lesson."""
    from deepfake_core.pipelines.plane_gan.lessons import LESSONS

    settings = LESSONS[lesson].settings
    names = ("distribution", "objective", "discriminator_steps", "momentum", "batch", "mode_seeking", "penalty")
    rates = {name: f"{getattr(settings, name):g}" for name in ("generator_rate", "discriminator_rate")}
    return {name: getattr(settings, name) for name in names} | rates


def watch_html(lesson: str) -> str:
    """What to watch in a lesson."""
    from deepfake_core.pipelines.plane_gan.lessons import LESSONS

    return f"<p>{html.escape(LESSONS[lesson].text)}</p>"
