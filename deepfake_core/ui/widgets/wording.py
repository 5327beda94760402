"""Messages of Gradio's own scripts, in the words of this page."""

import json

WORDS = {
    "^Invalid file type": "This file cannot be used here. Choose a picture (JPEG, PNG, WebP, HEIC or AVIF) or, for a "
    "driving clip, a video (MP4, MOV or WebM).",
    "^(Connection errored out|Could not parse server response|Connection to the server)": "The server does not answer. "
    "Wait a moment and try again, or reload the page.",
}
"""Beginning of Gradio's message, as a regular expression -> what is shown instead."""
REWORD = """() => {
    const words = %s.map(([pattern, text]) => [new RegExp(pattern), text]);
    const reword = () => document.querySelectorAll("[data-testid=toast-text]").forEach(toast => {
        const found = words.find(([pattern, text]) => pattern.test(toast.textContent.trim()));
        if (found) toast.textContent = found[1];
    });
    new MutationObserver(reword).observe(document.body, { childList: true, subtree: true });
}""" % json.dumps([*WORDS.items()])  # noqa: UP031 (braces are the script's)
