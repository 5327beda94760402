"""The command line as a user types it."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from deepfake_core.cli import main
from tests.media.clips import count_frames
from tests.pipelines.conftest import EXAMPLES, singer, tiny_weights

__all__ = ["singer", "tiny_weights"]
PORTRAIT = EXAMPLES / "portraits" / "amara.png"


def test_animate(tiny_weights: Path, singer: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out.mp4"
    arguments = ["animate", str(PORTRAIT), str(singer), "-o", str(out), "--model", str(tiny_weights)]
    assert main([*arguments, "--json", "--transfer", "absolute", "--no-adapt-scale", "--no-label"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["frames"] == count_frames(out) == 25 and answer["model"] == "tiny"
    assert main([*arguments[:4], str(tmp_path / "frames"), *arguments[5:]]) == 0
    assert len(list((tmp_path / "frames").glob("*.png"))) == 25
    assert "25 frames" in capsys.readouterr().out


@pytest.mark.parametrize(
    "changed", [{1: "gone.png"}, {3: "--oops"}, {2: "gone.mp4"}, {4: "out.xyz"}, {6: "no-such-model"}]
)
def test_bad_input_is_one_line_and_status_two(
    changed: dict[int, str], tiny_weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clip = EXAMPLES / "clips" / "nod.mp4"
    arguments = ["animate", str(PORTRAIT), str(clip), "-o", str(tmp_path / "o.mp4"), "--model", str(tiny_weights)]
    for place, value in changed.items():
        arguments[place] = value
    assert main(arguments) == 2
    said = capsys.readouterr()
    assert said.out == "" and said.err.count("\n") == 1 and said.err.startswith("deepfake_core: ")
    assert list(tmp_path.iterdir()) == []


def test_weights_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["weights", "list"]) == 0
    assert "fomm-vox-adv" in capsys.readouterr().out


def test_ctrl_c_ends_with_a_sentence_and_nothing_written(tiny_weights: Path, tmp_path: Path) -> None:
    clip = EXAMPLES / "clips" / "nod.mp4"
    command = [sys.executable, "-m", "deepfake_core", "animate", str(PORTRAIT), str(clip)]
    command += ["-o", str(tmp_path / "o.mp4"), "--model", str(tiny_weights)]
    process = subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a CI in the background ignores it
    )
    deadline = time.monotonic() + 60
    while not any(tmp_path.iterdir()) and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.02)  # until the draft of the result is there
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130, said
    assert "stopped" in said and "Traceback" not in said
    assert list(tmp_path.iterdir()) == []
