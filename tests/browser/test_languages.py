"""The page in the language of the browser."""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

MARK = "__i18n__"


@pytest.mark.parametrize(
    ("locale", "start", "consent", "tab"),
    [
        ("de-DE", "Animieren", "Ich verwende nur mein eigenes Gesicht", "Prüfen"),
        ("es-MX", "Animar", "Solo uso mi propia cara", "Verificar"),
        ("fr-CA", "Animer", "Je n’utilise que mon propre visage", "Vérifier"),
        ("zh-CN", "生成动画", "我只使用自己的脸", "验证"),
        ("it-IT", "Animate", "I use only my own face", "Verify"),  # which there is not
    ],
)
def test_the_page_speaks_the_visitors_language(
    browser: "Browser", server: str, locale: str, start: str, consent: str, tab: str
) -> None:
    context = browser.new_context(locale=locale, viewport={"width": 360, "height": 800})
    page, errors = context.new_page(), list[str]()
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.goto(server)
    page.wait_for_function("text => document.querySelector('#start')?.textContent.trim() === text", arg=start)
    page.get_by_text(consent).wait_for()
    page.get_by_role("tab", name=tab).click()
    page.wait_for_function("location.hash === '#verify'")
    shown = page.evaluate("document.body.innerText")
    assert MARK not in shown and page.evaluate("document.documentElement.scrollWidth") <= 360
    assert errors == []
    context.close()


def test_the_webcam_starts_in_another_language(browser: "Browser", server: str) -> None:
    """Its script finds Gradio's buttons, whose names are translated as well."""
    context = browser.new_context(locale="de-DE", permissions=["camera", "microphone"])
    page = context.new_page()
    page.goto(server)
    page.locator("#own-face").click()
    page.locator("#driver video[data-testid=webcam-video]").wait_for()
    page.locator("#driver .capture-button").wait_for()
    context.close()
