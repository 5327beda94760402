"""The manifest of weights: read once, and again when it has changed."""

from pathlib import Path

from deepfake_core.hub.manifest import manifest


def test_a_changed_manifest_is_read_again(tmp_path: Path) -> None:
    """It is asked for many times in a run, and kept between."""
    file = tmp_path / "manifest.toml"
    entry = '[{}]\nnetwork = "fomm"\nabout = "x"\ntitle = "x"\n'
    file.write_text(entry.format("first"))
    kept = manifest(tmp_path)["first"]
    assert manifest(tmp_path)["first"] is kept
    file.write_text(entry.format("first") + entry.format("second"))
    assert list(manifest(tmp_path)) == ["first", "second"]
