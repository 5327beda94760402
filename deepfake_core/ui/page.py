"""The page around the tabs, and its server."""

import os
from pathlib import Path
from typing import Protocol

import gradio as gr

from deepfake_core import registry
from deepfake_core.hub.files import cache_folder
from deepfake_core.hub.startup import STARTUP, requested
from deepfake_core.media.child_process import kill_all
from deepfake_core.provenance.credentials import ready_pair
from deepfake_core.settings import settings
from deepfake_core.ui.programs.endpoints import register
from deepfake_core.ui.programs.tab import ProgramsTab
from deepfake_core.ui.server.derived import DerivedFiles
from deepfake_core.ui.server.example_cache import ExampleCache
from deepfake_core.ui.server.example_runs import ExampleRuns
from deepfake_core.ui.server.inference import Engine
from deepfake_core.ui.server.languages import tables
from deepfake_core.ui.server.proxies import networks
from deepfake_core.ui.server.queue import supervise
from deepfake_core.ui.server.result_store import ResultStore
from deepfake_core.ui.server.serve import bounded_server
from deepfake_core.ui.server.session_results import SessionResults
from deepfake_core.ui.server.sessions import Sessions
from deepfake_core.ui.server.signals import exits_on_signals
from deepfake_core.ui.server.temp_files import keep_clean, temp_folder
from deepfake_core.ui.server.validation import CheckedBlocks
from deepfake_core.ui.services import Services
from deepfake_core.ui.tabs.quiz import QuizTab
from deepfake_core.ui.tabs.training import TrainingTab
from deepfake_core.ui.tabs.verify import VerifyTab
from deepfake_core.ui.tabs.weights import WeightsTab
from deepfake_core.ui.theme import theme
from deepfake_core.ui.widgets.address import Address, slug_of
from deepfake_core.ui.widgets.examples import Examples
from deepfake_core.ui.widgets.session_gallery import SessionGallery
from deepfake_core.ui.widgets.wording import REWORD

EXAMPLES = Path(__file__).parents[2] / "examples"
STYLE, LAYOUT, TRIM = (Path(__file__).with_name(name) for name in ("style.css", "layout.js", "trim.js"))

HEADER = """
<a id="skip" href="#">Skip to the start button</a>
<h1>Deepfake Lab</h1>
<p>Make portraits move, change and borrow looks, and see how the networks do it.
<span>Your files are processed on this server, and deleted after {kept}.</span></p>
"""
FOOTER = """
<p>Animate or edit only your own face, a drawn one, or that of a person who has given consent. Results are signed, and
labelled as AI-generated in the picture and in the file.</p>
"""


class Tab(Protocol):
    """The interface of a tab. One with options has also `linked`, set by `listen`: see `address.Linked`."""

    title: str

    def render(self) -> None:
        """Create the tab and its components."""

    def listen(self, page: gr.Blocks) -> None:
        """Register its event listeners."""


def build(engine: Engine, examples: Examples, store: ResultStore | None = None) -> CheckedBlocks:
    """Build the page: a tab per method that has one, then Verify and Weights. `store`: of the examples' results."""
    cache, sessions = ExampleCache([*examples.pictures, *examples.clips], store), Sessions()
    services = Services(engine=engine, examples=examples, cache=cache)
    methods = {one.name: registry.resolve(one.tab)(services) for one in registry.METHODS if one.tab}
    verify, gallery = VerifyTab(services), SessionGallery(SessionResults())
    for one in methods.values():
        if hasattr(one, "controls"):
            one.controls.keeper = gallery.keeper(one.title)
    tabs: list[Tab] = [
        *methods.values(), TrainingTab(), QuizTab(services), verify, WeightsTab(engine), ProgramsTab(examples, methods),
    ]  # fmt: skip
    known = [*examples.pictures, *examples.clips]
    address = Address(known)
    with CheckedBlocks(examples=known, title="Deepfake Lab", analytics_enabled=False, fill_width=True) as page:
        page.uploads.derived = DerivedFiles(cache, examples.clips)
        if settings().api:
            register(page, services)  # first, so that the names are theirs
        gr.HTML(HEADER.format(kept=kept(settings().kept_minutes)), elem_id="header")
        sessions.render()
        with gr.Tabs(overflow_behavior="wrap") as bar:
            for tab in tabs:
                tab.render()
        for block in bar.children:
            block.id = slug_of(block.label)
        address.render()
        gallery.render()
        gr.HTML(FOOTER, elem_id="footer", elem_classes="quiet")
        for tab in tabs:
            tab.listen(page)
        blocks = zip(tabs, bar.children, strict=True)
        address.listen(page, bar, {block.id: tab.linked for tab, block in blocks if hasattr(tab, "linked")})
        gallery.listen(
            page,
            portrait=methods["fomm"].source.file,
            portrait_tab=methods["fomm"].title,
            file=verify.file,
            file_tab=verify.title,
        )
        sessions.listen(page)
        page.load(None, js=REWORD)
        sessions.guard(page)
    page.queue(api_open=False)
    queue = supervise(page)
    makers = [one.example_runs for one in methods.values() if hasattr(one, "example_runs")]
    page.example_runs = ExampleRuns(makers, lambda: queue.busy)
    return page


def launch() -> None:
    """Serve the page until Ctrl-C, SIGTERM or SIGHUP. Networks are loaded in the background after the start."""
    engine = Engine()
    requested()  # reports a wrong name in DEEPFAKE_PULL
    ready_pair()  # reports an unusable signing key at the start, not at the first result
    networks()  # reports an invalid DEEPFAKE_PROXIES
    with exits_on_signals(), temp_folder() as folder:
        os.environ["GRADIO_TEMP_DIR"] = str(folder / "gradio")
        wanted = settings().examples and not engine.needs_quota
        page = build(engine, Examples.in_folder(EXAMPLES), ResultStore(cache_folder() / "examples") if wanted else None)
        with bounded_server(page, folder / "gradio"):
            page.launch(
                prevent_thread_lock=True,
                i18n=gr.I18n(**tables()),
                theme=theme(),
                css_paths=STYLE,
                head=f"<script>{TRIM.read_text(encoding='utf-8')}</script>",
                js=LAYOUT.read_text(encoding="utf-8"),
                max_file_size=f"{settings().upload_megabytes}mb",
                show_error=False,
                enable_monitoring=False,
                run_history=False,
                footer_links=[],
                state_session_capacity=settings().sessions,
                ssr_mode=False,
                app_kwargs={"docs_url": None, "redoc_url": None},
            )
        keep_clean(folder / "gradio", 60.0 * settings().kept_minutes)
        engine.warm_up()
        STARTUP.start(lambda name: engine.warm_up())  # what is installed now may be the new default
        if wanted:
            page.example_runs.start()
        try:
            page.block_thread()
        finally:
            page.example_runs.stop()
            page.close(verbose=False)
            kill_all()  # a running decoder would write into the folder again


def kept(minutes: int | float) -> str:
    """How long files are kept, in words: "an hour", "30 minutes"."""
    return "an hour" if minutes == 60 else f"{minutes:g} minutes"
