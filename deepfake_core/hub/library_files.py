"""Files that libraries, and the training, look for in torch's folder of checkpoints: used as they are."""

import shutil
from pathlib import Path

from deepfake_core.errors import BadWeights
from deepfake_core.hub.files import cache_file, sha256_of
from deepfake_core.hub.manifest import Entry


def library_path(wanted: Entry) -> Path:
    """Where the library looks for the file: `$TORCH_HOME/hub/checkpoints`, else in the user's cache."""
    import torch

    assert wanted.library_file is not None
    return Path(torch.hub.get_dir()) / "checkpoints" / wanted.library_file


def install(wanted: Entry, file: Path) -> Path:
    """Copy a file there if its hash is right; returns its path. Raises `BadWeights`, and what `cache_file` raises."""
    target = library_path(wanted)
    with cache_file(target) as temporary:
        shutil.copyfile(file, temporary)
        if (digest := sha256_of(temporary)) != wanted.sha256:
            raise BadWeights(
                f"{file.name} is not the file of {wanted.name}: sha256 must be {wanted.sha256}, got {digest}"
            )
    return target
