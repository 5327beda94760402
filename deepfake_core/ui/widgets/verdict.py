"""A verdict on a file as HTML: a sign and a sentence, then mark by mark what holds, with the details folded.

Every sign has its own shape and words for screen readers, so nothing depends on colour. The colours are in the style
sheet, for light and dark.
"""

import html
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deepfake_core.provenance.verdict import Survival, Verdict

DISC = '<circle cx="12" cy="12" r="11"/>'
OCTAGON = '<path d="M7.4 1h9.2L23 7.4v9.2L16.6 23H7.4L1 16.6V7.4z"/>'
TRIANGLE = '<path d="M12 1.5 23.5 22H.5z"/>'
SQUARE = '<rect x="1.5" y="1.5" width="21" height="21" rx="4"/>'
TICK, CROSS, DASH = "M6.5 12.5l3.7 3.7L17.5 8.5", "M7.8 7.8l8.4 8.4m0-8.4l-8.4 8.4", "M7 12h10"
QUESTION = "M8.8 9.2a3.2 3.2 0 1 1 4.6 2.9c-1 .5-1.4 1-1.4 2.1m0 3.1v.4"
EXCLAMATION, LETTER_I = "M12 9v6.2m0 2.8v.4", "M12 10.5v7m0-11v.4"
SIGNS = {
    "yes": (DISC, TICK, "holds"),
    "no": (OCTAGON, CROSS, "does not hold"),
    "unsure": (TRIANGLE, EXCLAMATION, "unproven"),
    "stranger": (DISC, QUESTION, "unproven"),
    "info": (SQUARE, LETTER_I, "says it was generated"),
    "absent": (SQUARE, DASH, "absent"),
}
"""Name of a sign, which selects its colour -> outline, glyph, and words for screen readers."""
OF_STATE = {
    "valid": "yes",
    "partial": "unsure",
    "untrusted": "stranger",
    "changed": "no",
    "broken": "no",
    "marked": "info",
    "silent": "absent",
}


def verdict_html(verdict: "Verdict") -> str:
    """The sign, the title and the reason."""
    return _box(verdict, verdict.reason)


def explained_html(verdict: "Verdict", why: str) -> str:
    """The sign and the title, with another sentence than the verdict's own."""
    return _box(verdict, why)


def particulars_html(verdict: "Verdict", rows: Iterable[tuple[str, str]]) -> str:
    """The marks one by one, what common changes would take away, and the details, folded."""
    marks = "".join(
        f'<li class="sign-{one.sign}">{_sign(one.sign)}<span><strong>{html.escape(one.mark)}</strong> '
        f"{html.escape(one.text)}</span></li>"
        for one in verdict.findings
    )
    notes = "".join(f"<p>{html.escape(note)}</p>" for note in verdict.notes)
    table = "".join(f"<tr><th>{html.escape(name)}</th><td>{html.escape(value)}</td></tr>" for name, value in rows)
    return (
        f'<ul class="findings">{marks}</ul>{notes}{_survival(verdict.survival)}'
        f'<details><summary>Details</summary><table class="particulars"><tbody>{table}</tbody></table></details>'
    )


def _box(verdict: "Verdict", text: str) -> str:
    sign = OF_STATE[verdict.state]
    return (
        f'<div class="verdict sign-{sign}" data-state="{verdict.state}">{_sign(sign)}'
        f"<div><p><strong>{verdict.title}</strong></p><p>{html.escape(text)}</p></div></div>"
    )


def _sign(name: str) -> str:
    outline, glyph, words = SIGNS[name]
    return (
        f'<svg class="sign" viewBox="0 0 24 24" role="img" aria-label="{words}">{outline}<path class="glyph" '
        f'd="{glyph}"/></svg>'
    )


def _survival(survival: "Iterable[Survival]") -> str:
    rows = "".join(
        f"<tr><th>{html.escape(mark)}</th>{''.join(f'<td>{text}</td>' for text in texts)}</tr>"
        for mark, *texts in survival
    )
    head = "<tr><th>Mark</th><th>saved again</th><th>taken from the screen</th><th>cropped</th></tr>"
    caption = "<caption>What is left of the marks in a copy that was</caption>"
    return f'<table class="particulars survival">{caption}<thead>{head}</thead><tbody>{rows}</tbody></table>'
