"""The weights that the tests pull."""

from deepfake_core.hub.pulling import Pulled, pull

NAME = "cyclegan-horse2zebra"


def last(name: str = NAME, **options: object) -> Pulled:
    *_, done = pull(name, **options)  # type: ignore[arg-type]
    assert isinstance(done, Pulled)
    return done
