"""Our own readers of hostile words: whatever stands there, an answer or one sentence, never another error."""

import json
import string
from fractions import Fraction
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from benchmarks.robustness.corpus.broken import broken
from benchmarks.robustness.corpus.structure import parts
from deepfake_core.errors import LabError
from deepfake_core.faces import Manual
from deepfake_core.hub.config_check import MAXIMUM, read_config
from deepfake_core.hub.files import one_line, printable
from deepfake_core.hub.importing import renamed
from deepfake_core.hub.reading import check_not_text
from deepfake_core.media import probe as header
from deepfake_core.registry import METHODS
from deepfake_core.ui.server.uploaded import chosen, path_of

quickly = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
names = st.text(max_size=40)
NAMES = sorted(one.name for one in METHODS)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | names,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4),
    max_leaves=12,
)
words = st.text(string.printable, max_size=60)
sizes = st.integers(0, 10**7)
stream_lines = st.builds(
    "  Stream #0:{}: Video: {}, {}x{} [SAR {}:{} DAR 4:3], {} fps, {} tbr{}".format,
    *(st.integers(0, 99), words, sizes, sizes, sizes, sizes),
    *(st.sampled_from(("25", "0", "29.97", "1e9", "90k", "0.01", "")), st.sampled_from(("25", "90k", "0")), words),
)
headers = st.lists(stream_lines | words | st.just("  Duration: 00:00:61.5, start: 0"), max_size=6).map("\n".join)


@quickly
@given(headers)
@example(
    "  Duration: 99999999999:99:99.99\n  Stream #0:0: Video: x, 999999x999999 [SAR 1:999999 DAR 0:0], 0 fps, 0 tbr"
)
def test_a_header_of_any_words_gives_numbers_or_nothing(text: str) -> None:
    for video in header.STREAM.finditer(text):
        details = video["details"]
        rate = header._rate(details)
        assert rate is None or 1 <= rate <= header.MAX_RATE
        assert len(header._colours(details, 48)) == 3
        if size := header.SIZE.search(details):
            assert min(header._shown_size(details, text, *map(int, size.groups()))) >= 0
    assert header._seconds(text) is None or header._seconds(text) >= 0  # type: ignore[operator]


@quickly
@given(st.text(max_size=200))
def test_a_rate_is_a_fraction_or_nothing(text: str) -> None:
    assert isinstance(header._printed_rate(text, "fps"), Fraction | None)


@quickly
@given(json_values, st.sampled_from(NAMES))
@example({"size": 10**400}, "cyclegan")
@example({"blocks": MAXIMUM}, "cyclegan")
def test_a_config_of_any_kind_is_refused_in_one_sentence(value, network: str) -> None:
    with pytest.raises(LabError) as refused:
        read_config(json.dumps(value), network, {"a": torch.zeros(1)}, "x.safetensors")
    assert "\n" not in str(refused.value)


@quickly
@given(st.text(max_size=300))
def test_any_text_for_a_config_is_refused_in_one_sentence(text: str) -> None:
    with pytest.raises(LabError):
        read_config(text, "cyclegan", {}, "x.safetensors")


tensors = st.builds(torch.zeros, st.lists(st.integers(0, 3), max_size=4))
checkpoints = st.recursive(
    st.none() | st.integers() | tensors | names,
    lambda inner: st.dictionaries(
        st.sampled_from(("generator", "state_dict", "kp_detector", "main.0.weight", "model.1.weight", "fan")) | names,
        inner,
        max_size=4,
    ),
    max_leaves=10,
)


@quickly
@given(checkpoints, st.sampled_from(NAMES))
def test_a_checkpoint_of_any_content_is_renamed_or_refused(content, network: str) -> None:
    try:
        state = renamed(network, content)
    except LabError:
        return
    assert all(isinstance(value, torch.Tensor) for value in state.values())


@quickly
@given(st.binary(max_size=600))
def test_a_beginning_of_any_bytes_is_a_text_or_not(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.pth").write_bytes(content)
    try:
        check_not_text(tmp_path / "a.pth")
    except LabError:
        text = content.decode("utf-8-sig", errors="ignore")
        assert text and all(letter.isprintable() or letter.isspace() for letter in text)


@quickly
@given(st.text(max_size=400))
def test_a_name_stands_on_one_line_of_a_sentence(name: str) -> None:
    assert len(printable(name)) <= 100 and printable(name).isprintable()
    assert len(one_line(name)) == len(name)


@quickly
@given(st.none() | st.fixed_dictionaries({"path": st.none() | names}))
def test_an_upload_is_a_path_or_a_sentence(upload) -> None:
    if path_of(upload) is None:
        with pytest.raises(LabError):
            chosen(upload, "picture")
    else:
        assert isinstance(chosen(upload, "picture"), Path)


@quickly
@given(*[st.floats(-1e6, 1e6)] * 3, *[st.integers(1, 10_000)] * 2)
def test_a_square_by_hand_is_a_box_or_a_sentence(left, top, side, width: int, height: int) -> None:
    try:
        box = Manual(left=left, top=top, side=side).box(height=height, width=width)
    except LabError:
        return
    assert box.side > 0


@quickly
@given(st.binary(max_size=400))
def test_any_bytes_have_parts(content: bytes) -> None:
    for beginning in (
        b"",
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8",
        b"RIFF",
        b"GIF89a",
        b"II*\0",
        b"\0\0\0\x18ftyp",
        b"PK\x03\x04",
    ):
        assert parts(beginning + content)


def test_the_parsers_of_the_corpus_stand_its_own_files() -> None:
    for kind in ("picture cut", "clip shuffled", "weights wrong sizes", "noise"):
        for seed in range(50):
            assert parts(broken(kind, seed).content)
