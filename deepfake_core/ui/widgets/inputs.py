"""Handler inputs by name: Gradio passes values by position."""

from collections.abc import Sequence
from typing import Any

from gradio.components import Component


class Inputs:
    """Named components, such as the fields of a form."""

    def __init__(self, **components: Component) -> None:
        self._components = components

    @property
    def components(self) -> list[Component]:
        """In the order in which the handler gets the values."""
        return list(self._components.values())

    @property
    def names(self) -> tuple[str, ...]:
        """In the same order."""
        return tuple(self._components)

    def named(self, values: Sequence[Any]) -> dict[str, Any]:
        """The values of a handler by component name."""
        return dict(zip(self._components, values, strict=True))
