"""The quiz in the page: ten guesses on a phone, and the class's scores."""

from typing import TYPE_CHECKING

from tests.browser.actions import LOADED, WIDER_THAN_WINDOW, check_accessibility, picture_of

if TYPE_CHECKING:
    from playwright.sync_api import Page


def test_a_class_takes_the_quiz(page: "Page", server: str) -> None:
    page.set_default_timeout(LOADED)
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(f"{server}#spot-the-fake")
    page.locator("#quiz-start").wait_for()
    page.get_by_label("Word of your class").fill("biology")
    page.locator("#quiz-start").click()
    for number in range(1, 11):
        page.locator("#quiz-a").click()
        page.locator("#quiz-clues img").wait_for()
        page.wait_for_function(
            "n => document.querySelector('#quiz-progress p').ariaLabel.endsWith(`/ ${n}`)", arg=number
        )
        if number == 3:
            check_accessibility(page)
            assert not page.evaluate(WIDER_THAN_WINDOW)
            page.set_viewport_size({"width": 1280, "height": 900})
            picture_of(page, "quiz.png")
        page.locator("#quiz-next").click()
        if number < 10:
            page.locator("#quiz-a").wait_for()
    assert " / 10" in page.locator("#quiz-score").inner_text()
    assert page.locator("#quiz-class rect").count() == 1
    page.locator("#quiz-again").click()
    page.locator("#quiz-a").wait_for()
