"""A figure of a look inside with what stands around it: two sentences, the paper's equation, and the code for it."""

import ast
import html
from dataclasses import dataclass
from pathlib import Path

import gradio as gr

DELIMITERS: list[dict[str, str | bool]] = [{"left": "$$", "right": "$$", "display": True}]
REPOSITORY = Path(__file__).parents[3]


@dataclass(frozen=True, kw_only=True, slots=True)
class Explained:
    """What stands around a figure."""

    title: str
    text: str
    """Two sentences: what the figure shows, and what to look for."""
    equation: str
    """LaTeX, without delimiters."""
    file: str
    """In the repository: the file with the code of the equation."""
    function: str
    """The name of the function in it, with its class."""

    def render(self) -> tuple[gr.Column, gr.Image]:
        """The figure, empty, in a column of its own."""
        with gr.Column(min_width=300) as column:
            picture = gr.Image(
                label=self.title,
                alt_text=f"{self.title}. {self.text}",
                interactive=False,
                buttons=["fullscreen"],
                elem_classes="media natural",
            )
            gr.HTML(f"<p>{self.text}</p>", elem_classes="quiet")
            gr.Markdown(f"$${self.equation}$$", latex_delimiters=DELIMITERS, elem_classes="equation")
            gr.HTML(self.code())
        return column, picture

    def code(self) -> str:
        """The function's place, which opens to its lines."""
        line, text = source_of(self.file, self.function)
        place = f"<code>{self.file}:{line}</code> <code>{self.function}</code>"
        # a region that scrolls has to be reachable by the keyboard
        return (
            f'<details class="code"><summary>{place}</summary>'
            f'<pre tabindex="0"><code>{html.escape(text)}</code></pre></details>'
        )


def source_of(file: str, function: str) -> tuple[int, str]:
    """The first line of a function (or "Class.method") of this repository, and its code.

    The file is read, not imported. Raises `LookupError` if there is no such function.
    """
    text = (REPOSITORY / file).read_text(encoding="utf-8")
    node: ast.AST = ast.parse(text)
    for name in function.split("."):
        inner = [one for one in ast.iter_child_nodes(node) if getattr(one, "name", None) == name]
        if not inner:
            raise LookupError(f"{file} has no {function}")
        node = inner[0]
    assert isinstance(node, ast.FunctionDef) and node.end_lineno is not None
    lines = text.splitlines()[node.lineno - 1 : node.end_lineno]
    margin = node.col_offset
    return node.lineno, "\n".join(line[margin:] for line in lines)
