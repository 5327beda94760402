"""The page around the tabs, and how it is served."""

import os
from pathlib import Path
from typing import Protocol

import gradio as gr

from deepfake_core import registry
from deepfake_core.media.child_process import kill_all
from deepfake_core.provenance.credentials import ready_pair
from deepfake_core.settings import settings
from deepfake_core.ui.server.example_cache import ExampleCache
from deepfake_core.ui.server.inference import Engine
from deepfake_core.ui.server.proxies import networks
from deepfake_core.ui.server.queue import supervise
from deepfake_core.ui.server.serve import bounded_server
from deepfake_core.ui.server.sessions import Visitors
from deepfake_core.ui.server.signals import exits_on_signals
from deepfake_core.ui.server.temp_files import keep_clean, temp_folder
from deepfake_core.ui.server.validation import CheckedBlocks
from deepfake_core.ui.services import Services
from deepfake_core.ui.tabs.verify import VerifyTab
from deepfake_core.ui.tabs.weights import WeightsTab
from deepfake_core.ui.widgets.examples import Examples

EXAMPLES = Path(__file__).parents[2] / "examples"
STYLE = Path(__file__).with_name("style.css")

HEADER = """
<h1>Deepfake Lab</h1>
<p>Faces moved and made by generative adversarial networks, to see how they work. Everything runs on this machine.</p>
"""
FOOTER = """
<p>Animate or change only your own face, a drawn one, or that of someone who has agreed to it. Results are labelled as
AI-generated, in the picture and in the file, and signed; uploads and results are deleted an hour later.</p>
"""


class Tab(Protocol):
    """A tab, as the page sees it."""

    def render(self) -> None:
        """Place the tab and its components."""

    def listen(self, page: gr.Blocks) -> None:
        """Wire its events."""


def build(engine: Engine, examples: Examples) -> gr.Blocks:
    """The whole page: a tab for each method that has one, then Verify and Weights."""
    cache, visitors = ExampleCache(examples.pictures), Visitors()
    services = Services(engine=engine, examples=examples, cache=cache)
    methods = (registry.resolve(one.tab)(services) for one in registry.METHODS if one.tab)
    tabs: list[Tab] = [*methods, VerifyTab(), WeightsTab(engine)]
    known = [*examples.pictures, *examples.clips]
    with CheckedBlocks(examples=known, title="Deepfake Lab", analytics_enabled=False, fill_width=True) as page:
        gr.HTML(HEADER, elem_id="header")
        visitors.render()
        with gr.Tabs(overflow_behavior="wrap"):
            for tab in tabs:
                tab.render()
        gr.HTML(FOOTER, elem_id="footer", elem_classes="quiet")
        for tab in tabs:
            tab.listen(page)
        visitors.listen(page)
        visitors.guard(page)
    page.queue(api_open=False)
    supervise(page)
    return page


def launch(engine: Engine | None = None, examples: Path = EXAMPLES) -> None:
    """Serve the page until Ctrl-C, SIGTERM or SIGHUP. The network is loaded once the page is up."""
    engine = engine or Engine()
    ready_pair()  # a key that will not do is told now, not at the first result
    networks()  # and so is an address that is none
    with exits_on_signals(), temp_folder() as folder:
        os.environ["GRADIO_TEMP_DIR"] = str(folder / "gradio")
        page = build(engine, Examples.in_folder(examples))
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
        try:
            page.block_thread()
        finally:
            page.close(verbose=False)
            kill_all()  # a decoder that still writes would fill the folder again


def theme() -> gr.themes.Base:
    """Black on white, or white on black as the visitor's system says; fonts that are there, so none is fetched."""
    return gr.themes.Monochrome(
        spacing_size=gr.themes.sizes.spacing_md,
        radius_size=gr.themes.sizes.radius_md,
        font=("ui-sans-serif", "system-ui", "sans-serif"),
        font_mono=("ui-monospace", "Consolas", "monospace"),
    ).set(button_secondary_text_color_hover="*button_secondary_text_color")  # its own is too pale to read
