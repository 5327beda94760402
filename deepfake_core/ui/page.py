"""The page around the tabs, and how it is served."""

import html
from pathlib import Path

import gradio as gr

from deepfake_core.hub.manifest import entry
from deepfake_core.ui.animation import AnimationTab
from deepfake_core.ui.engine import Engine
from deepfake_core.ui.examples import Examples
from deepfake_core.ui.trouble import sentence

EXAMPLES = Path(__file__).parents[2] / "examples"
STYLE = Path(__file__).with_name("style.css")
LARGEST_UPLOAD = "200mb"
HOUR = 3600

HEADER = """
<h1>Deepfake Lab</h1>
<p>Faces moved and made by generative adversarial networks, to see how they work. Everything runs on this machine.</p>
"""
FOOTER = """
<p>Animate only your own face, a drawn one, or that of someone who has agreed to it. Results are labelled as
AI-generated, in the picture and in the file; uploads and results are deleted after an hour or two.</p>
"""
WARMING = "<strong>Loading the network …</strong> The page can be used meanwhile."
GET_MORE = """
Photos need the published checkpoint, from {source} (licence: {licence}):
<code>python -m deepfake_core weights import fomm-vox-adv vox-adv-cpk.pth.tar</code>
"""


def build(engine: Engine, examples: Examples) -> gr.Blocks:
    """The whole page; a new tab is one line here."""
    tabs = [AnimationTab(engine, examples)]
    with gr.Blocks(title="Deepfake Lab", analytics_enabled=False, delete_cache=(HOUR, HOUR), fill_width=True) as page:
        gr.HTML(HEADER, elem_id="header")
        strip = gr.HTML(WARMING, elem_id="weights")
        with gr.Tabs():
            for tab in tabs:
                with gr.Tab(tab.title):
                    tab.render()
        gr.HTML(FOOTER, elem_id="footer", elem_classes="quiet")
        for tab in tabs:
            tab.listen(page)
        page.load(
            lambda: _weights(engine),
            outputs=strip,
            show_progress="hidden",
            concurrency_limit=None,
            api_visibility="private",
        )
    return page.queue(api_open=False)


def launch(engine: Engine | None = None, examples: Path = EXAMPLES) -> None:
    """Serve the page until Ctrl-C. The network is loaded once the page is up."""
    engine = engine or Engine()
    page = build(engine, Examples.in_folder(examples))
    page.launch(
        prevent_thread_lock=True,
        theme=theme(),
        css_paths=STYLE,
        max_file_size=LARGEST_UPLOAD,
        show_error=False,
        enable_monitoring=False,
        run_history=False,
        footer_links=[],
        ssr_mode=False,
    )
    engine.warm_up()
    page.block_thread()


def theme() -> gr.themes.Base:
    """Black on white, or white on black as the visitor's system says; fonts that are there, so none is fetched."""
    return gr.themes.Monochrome(
        spacing_size=gr.themes.sizes.spacing_md,
        radius_size=gr.themes.sizes.radius_md,
        font=("ui-sans-serif", "system-ui", "sans-serif"),
        font_mono=("ui-monospace", "Consolas", "monospace"),
    )


def _weights(engine: Engine) -> str:
    """Which weights run, and what they are good for; waits until they are loaded."""
    try:
        animator = engine.animator()
    except Exception as error:
        return f"<strong>No weights:</strong> {html.escape(sentence(error))}"
    published = entry("fomm-vox-adv")
    text = GET_MORE.format(source=html.escape(published.source), licence=html.escape(published.licence))
    more = text if "starter" in animator.name else ""
    return f"<strong>Weights: {html.escape(animator.name)}</strong> for {html.escape(animator.about)}. {more}"
