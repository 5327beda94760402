"""Item 3: numbers that the page's own sliders cannot send."""

import httpx

from benchmarks.load.visitor import Answer, Event, Visitor
from benchmarks.robustness.attacks.record import Attack, AttackResult, Target, join, refused
from benchmarks.robustness.endpoints import BUG

HUGE = 2_500.0
"""Percent of a picture's side: 8,000 took 12.5 GB, and memory grows by its square."""
ODD: tuple[object, ...] = (float("nan"), float("inf"), -1e308, "12", [], {"a": 1}, True)
KINDS = ("slider", "number")


async def huge_crop(target: Target) -> AttackResult:
    """Ask for a crop by hand that is far larger than the picture, without tick or upload."""
    inside, preview = target.event("inside", "expand"), target.event("portrait", "change")
    answers = []
    async with target.client() as client:
        for event, what in ((preview, "Portrait"), (inside, "Portrait"), (inside, "Driving clip")):
            answers.append(
                await Visitor(client, target.page).ask(event, _form(target, event, f"{what}: size, %", HUGE))
            )
    taken = sum(not refused(answer) for answer in answers)
    return AttackResult(taken > 0, f"{taken} of {len(answers)} crops of {HUGE:.0f}% were drawn")


def _form(target: Target, event: Event, label: str, value: object) -> dict[int, object]:
    """The page's first values, with a crop by hand and one number."""
    props = {one: target.page.components[one]["props"] for one in event.inputs}
    crop = {one: "hand" for one in event.inputs if props[one].get("elem_id") == "crop"}
    return {**crop, **{one: value for one in event.inputs if props[one].get("label") == label}}


async def odd_numbers(target: Target) -> AttackResult:
    """Give every number of every form something that is none, or no finite one in its range."""
    wrong = list[str]()
    tried = 0
    async with target.client() as client:
        for event in _kinds(target):
            for component in event.inputs:
                if target.page.kind(component) not in KINDS:
                    continue
                label = target.page.components[component]["props"].get("label")
                for value in ODD:
                    tried += 1
                    answer = await _asked(client, target, event, _form(target, event, str(label), value))
                    if BUG in answer.text or not refused(answer):
                        wrong.append(f"{label} = {value!r}")
                if wrong:
                    return AttackResult(True, f"no sentence, or taken: {', '.join(wrong[:4])}")
    return AttackResult(False, f"{tried} refused, each in a sentence")


def _kinds(target: Target) -> list[Event]:
    """One event of each kind that takes numbers: those that only move what is on the page already are left out."""
    events = [one for one in target.page.events.values() if one.answers and one.queued]
    return list({(one.name.rstrip("_0123456789"), one.inputs): one for one in events if _numbers(target, one)}.values())


def _numbers(target: Target, event: Event) -> bool:
    return any(target.page.kind(one) in KINDS for one in event.inputs)


async def _asked(client: httpx.AsyncClient, target: Target, event: Event, values: dict[int, object]) -> Answer:
    """As `Visitor.ask`, with numbers that are none in JSON."""
    visitor, answer = Visitor(client, target.page), Answer()
    response = await join(client, target.body(event, values, visitor.session))
    answer.status = response.status_code
    answer.texts.append(response.text)
    if response.status_code != 200:
        return answer
    async with client.stream("GET", f"/gradio_api/queue/data?session_hash={visitor.session}") as stream:
        async for line in stream.aiter_lines():
            answer.texts.append(line)
            if "process_completed" in line:
                answer.succeeded = '"success":true' in line.replace(" ", "")
                break
    return answer


ATTACKS = (
    Attack(name="huge crop", item="3", harm="12.5 GB of memory by one number", run=huge_crop, quick=True),
    Attack(name="odd numbers", item="3", harm="errors without words, runs without end", run=odd_numbers),
)
