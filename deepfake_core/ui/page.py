"""The page around the tabs, and its server."""

import os
from pathlib import Path
from typing import Protocol

import gradio as gr

from deepfake_core import registry
from deepfake_core.hub.startup import STARTUP, requested
from deepfake_core.media.child_process import kill_all
from deepfake_core.provenance.credentials import ready_pair
from deepfake_core.settings import settings
from deepfake_core.ui.server.example_cache import ExampleCache
from deepfake_core.ui.server.inference import Engine
from deepfake_core.ui.server.proxies import networks
from deepfake_core.ui.server.queue import supervise
from deepfake_core.ui.server.serve import bounded_server
from deepfake_core.ui.server.sessions import Sessions
from deepfake_core.ui.server.signals import exits_on_signals
from deepfake_core.ui.server.temp_files import keep_clean, temp_folder
from deepfake_core.ui.server.validation import CheckedBlocks
from deepfake_core.ui.services import Services
from deepfake_core.ui.tabs.verify import VerifyTab
from deepfake_core.ui.tabs.weights import WeightsTab
from deepfake_core.ui.widgets.address import Address, slug_of
from deepfake_core.ui.widgets.examples import Examples

EXAMPLES = Path(__file__).parents[2] / "examples"
STYLE = Path(__file__).with_name("style.css")

HEADER = """
<h1>Deepfake Lab</h1>
<p>Animate and edit faces with generative adversarial networks, and see how they work. Images and clips are processed on
this server and deleted an hour later.</p>
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


def build(engine: Engine, examples: Examples) -> gr.Blocks:
    """Build the page: a tab per method that has one, then Verify and Weights."""
    cache, sessions = ExampleCache(examples.pictures), Sessions()
    services = Services(engine=engine, examples=examples, cache=cache)
    methods = (registry.resolve(one.tab)(services) for one in registry.METHODS if one.tab)
    tabs: list[Tab] = [*methods, VerifyTab(services), WeightsTab(engine)]
    known = [*examples.pictures, *examples.clips]
    address = Address(known)
    with CheckedBlocks(examples=known, title="Deepfake Lab", analytics_enabled=False, fill_width=True) as page:
        gr.HTML(HEADER, elem_id="header")
        sessions.render()
        with gr.Tabs(overflow_behavior="wrap") as bar:
            for tab in tabs:
                tab.render()
        for tab, block in zip(tabs, bar.children, strict=True):
            block.id = slug_of(tab.title)
        address.render()
        gr.HTML(FOOTER, elem_id="footer", elem_classes="quiet")
        for tab in tabs:
            tab.listen(page)
        address.listen(page, bar, {slug_of(tab.title): tab.linked for tab in tabs if hasattr(tab, "linked")})
        sessions.listen(page)
        sessions.guard(page)
    page.queue(api_open=False)
    supervise(page)
    return page


def launch() -> None:
    """Serve the page until Ctrl-C, SIGTERM or SIGHUP. Networks are loaded in the background after the start."""
    engine = Engine()
    requested()  # reports a wrong name in DEEPFAKE_PULL
    ready_pair()  # reports an unusable signing key at the start, not at the first result
    networks()  # reports an invalid DEEPFAKE_PROXIES
    with exits_on_signals(), temp_folder() as folder:
        os.environ["GRADIO_TEMP_DIR"] = str(folder / "gradio")
        page = build(engine, Examples.in_folder(EXAMPLES))
        with bounded_server(page, folder / "gradio"):
            page.launch(
                prevent_thread_lock=True,
                theme=theme(),
                css_paths=STYLE,
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
        try:
            page.block_thread()
        finally:
            page.close(verbose=False)
            kill_all()  # a running decoder would write into the folder again


def theme() -> gr.themes.Base:
    """A monochrome theme, light or dark as the visitor's system prefers, with system fonts: nothing is downloaded."""
    return gr.themes.Monochrome(
        spacing_size=gr.themes.sizes.spacing_md,
        radius_size=gr.themes.sizes.radius_md,
        font=("ui-sans-serif", "system-ui", "sans-serif"),
        font_mono=("ui-monospace", "Consolas", "monospace"),
    ).set(button_secondary_text_color_hover="*button_secondary_text_color")  # the default has too little contrast
