"""Handler inputs by name: Gradio passes values by position."""

from collections.abc import Sequence
from typing import Any

import gradio as gr
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

    def defaults(self, **values: Any) -> list[Any]:
        """The values with which the page opens, but for `values`; no files."""
        return [values.get(name, _default(component)) for name, component in self._components.items()]

    def named(self, values: Sequence[Any]) -> dict[str, Any]:
        """The values of a handler by component name."""
        return dict(zip(self._components, values, strict=True))


def _default(component: Component) -> Any:
    return None if isinstance(component, gr.State | gr.Image | gr.Video | gr.File) else component.value
