"""What the page hands to every tab."""

from dataclasses import dataclass

from deepfake_core.ui.server.example_cache import ExampleCache
from deepfake_core.ui.server.inference import Engine
from deepfake_core.ui.widgets.examples import Examples


@dataclass(frozen=True, kw_only=True, slots=True)
class Services:
    """Shared by all tabs and all visitors."""

    engine: Engine
    examples: Examples
    cache: ExampleCache
