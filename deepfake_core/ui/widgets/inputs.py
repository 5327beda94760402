"""The widgets whose values a handler takes, by name: Gradio hands values over by position."""

from collections.abc import Sequence
from typing import Any

from gradio.components import Component


class Inputs:
    """Named components, such as the fields of a form."""

    def __init__(self, **components: Component) -> None:
        self._components = components

    @property
    def components(self) -> list[Component]:
        """In the order in which the handler gets their values."""
        return list(self._components.values())

    @property
    def names(self) -> tuple[str, ...]:
        """In the same order."""
        return tuple(self._components)

    def named(self, values: Sequence[Any]) -> dict[str, Any]:
        """The values that a handler got, by the names of their components."""
        return dict(zip(self._components, values, strict=True))
