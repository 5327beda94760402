"""The weights that the tests pull."""

from pathlib import Path

from huggingface_hub import hf_hub_download

from deepfake_core.hub.manifest import HubFile, entry
from deepfake_core.hub.pulling import Pulled, pull

NAME = "cyclegan-horse2zebra"


def last(name: str = NAME, **options: object) -> Pulled:
    *_, done = pull(name, **options)  # type: ignore[arg-type]
    assert isinstance(done, Pulled)
    return done


def fill_cache() -> Path:
    """Put the file into the cache of the Hub's client, as `preload_from_hub` does; returns the link in `snapshots`."""
    source = entry(NAME).sources[0]
    assert isinstance(source, HubFile)
    return Path(hf_hub_download(source.repo, source.file, repo_type=source.kind))
