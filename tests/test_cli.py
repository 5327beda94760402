"""The command line as a user types it."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from PIL import Image

from deepfake_core.cli import main
from deepfake_core.cli.consent import show_notice_once
from deepfake_core.pipelines.motion_template import MotionTemplate
from tests.media.clips import count_frames
from tests.pipelines.conftest import EXAMPLES, home, singer, tiny_weights, translators_home

__all__ = ["home", "singer", "tiny_weights", "translators_home"]
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
    assert main([*arguments, "--start", "0.4"]) == 0
    assert "Motion starts at 0.4 s; before that the portrait is still." in capsys.readouterr().out


@pytest.mark.parametrize(
    "changed",
    [
        *({1: "gone.png"}, {3: "--oops"}, {2: "gone.mp4"}, {4: "out.xyz"}, {6: "no-such-model"}),
        *({7: "--start", 8: "-1"}, {7: "--start", 8: "nan"}, {7: "--start", 8: "99"}),
    ],
)
def test_bad_input_is_one_line_and_status_two(
    changed: dict[int, str], tiny_weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clip = EXAMPLES / "clips" / "nod.mp4"
    arguments = ["animate", str(PORTRAIT), str(clip), "-o", str(tmp_path / "o.mp4"), "--model", str(tiny_weights)]
    for place, value in changed.items():
        arguments[place : place + 1] = [value]
    assert main(arguments) == 2
    said = capsys.readouterr()
    assert said.out == "" and said.err.count("\n") == 1 and said.err.startswith("deepfake_core: ")
    assert list(tmp_path.iterdir()) == []


def test_a_recorded_motion_animates_with_the_weights_that_it_names(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clip, template, made = EXAMPLES / "clips" / "nod.mp4", tmp_path / "nod.npz", tmp_path / "made.mp4"
    assert main(["motion", str(clip), "-o", str(template), "--model", "fomm-starter"]) == 0
    assert "nod.npz" in capsys.readouterr().out
    assert main(["animate", str(PORTRAIT), str(template), "-o", str(made), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["model"], answer["frames"]) == ("fomm-starter", count_frames(made))
    replace(MotionTemplate.load(template), weights=str(tmp_path / "mine.safetensors")).save(template)
    assert main(["animate", str(PORTRAIT), str(template), "-o", str(made)]) == 2  # it names a file, which is not opened
    assert "mine.safetensors" in capsys.readouterr().err


def answer_of(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> dict:
    assert main([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_translate(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["translate", str(PORTRAIT), "-o", str(tmp_path / "out.png"), "--device", "cpu"]
    answer = answer_of([*arguments, "--back", "--crop", "none"], capsys)
    assert answer["paths"] == [str(tmp_path / "out.png"), str(tmp_path / "out-back.png")]
    assert 0 < answer["cycle_errors"][str(tmp_path / "out.png")] < 2
    assert answer["model"] == "cyclegan-starter-horse2zebra", "the starter for a drawing"
    Image.fromarray(skimage.data.chelsea()).save(tmp_path / "photograph.png")
    arguments[1] = str(tmp_path / "photograph.png")
    assert answer_of(arguments, capsys)["model"] == "cyclegan-horse2zebra", (
        "weights for photographs, which are installed"
    )
    arguments = ["translate", str(PORTRAIT.parent), "-o", str(tmp_path / "all"), "--model", "cyclegan-style_vangogh"]
    assert len(answer_of(arguments, capsys)["paths"]) == len(list((tmp_path / "all").iterdir())) == 7


def test_attributes(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["attributes", str(PORTRAIT), "-o", str(tmp_path / "out.png"), "--crop", "none", "--set", "Male=no"]
    answer = answer_of([*arguments, "--set", "Blond_Hair=1", "--strip", "--no-label"], capsys)
    assert answer["paths"] == [str(tmp_path / "out.png"), str(tmp_path / "out-strip.png")]
    attributes = answer["faces"][str(tmp_path / "out.png")]["attributes"]
    assert attributes["Blond_Hair"] and not attributes["Male"] and not attributes["Black_Hair"]


def test_one_of_several_faces(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pair = tmp_path / "pair.png"
    both = Image.new("RGB", (500, 256), (128, 128, 128))
    both.paste(Image.open(PORTRAIT).resize((256, 256)), (0, 0))
    both.paste(Image.open(PORTRAIT).resize((200, 200)), (290, 30))
    both.save(pair)
    arguments = ["attributes", str(pair), "-o", str(tmp_path / "out.png"), "--set", "Male=1", "--paste-back"]
    arguments += ["--model", "stargan-celeba-128"]
    assert "2 faces found; face 2 is used" in " ".join(answer_of([*arguments, "--face", "2"], capsys)["notes"])
    made = np.asarray(Image.open(tmp_path / "out.png")).astype(int) - np.asarray(both)
    changed = np.abs(made).max(axis=2) > 8
    assert changed[:200, 300:480].mean() > 0.3 > 0.02 > changed[:200, :250].mean()
    assert main([*arguments, "--face", "3"]) == 2
    assert "face must be a number from 1 to 2 for pair.png, got 3" in capsys.readouterr().err


def test_style(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    start = ["style", str(PORTRAIT), "--domain", "cat", "--model", "starganv2-afhq", "-o"]
    for out, options in (
        ("seed.png", ["--seed", "7", "--truncation", "0.7"]),
        ("reference.png", ["--reference", str(PORTRAIT), "--paste-back"]),
        ("grid.png", ["--reference", str(PORTRAIT), "--reference", str(PORTRAIT)]),
        ("strip.png", ["--seed", "1", "--seed", "2"]),
        ("walk.mp4", ["--seed", "1", "--to-seed", "2", "--to-domain", "dog", "--frames", "3"]),
        ("end.mp4", ["--seed", "1", "--to-reference", str(PORTRAIT), "--frames", "2"]),
    ):
        assert answer_of([*start, str(tmp_path / out), *options], capsys)["paths"] == [str(tmp_path / out)]
    assert count_frames(tmp_path / "walk.mp4") == 3


@pytest.mark.parametrize(
    ("command", "word"),
    [
        ("translate gone.png -o OUT.png", "gone.png"),
        ("translate PORTRAIT PORTRAIT -o OUT.png", "folder"),
        ("translate PORTRAIT -o OUT.png --model stargan-celeba-128", "not for cyclegan"),
        ("attributes PORTRAIT -o OUT.png", "--set"),
        ("attributes PORTRAIT -o OUT.png --set Male", "NAME=1"),
        ("attributes PORTRAIT -o OUT.png --set Male=1 --set Male=0", "choose one"),
        ("attributes PORTRAIT -o OUT.png --set Bald=1", "Black_Hair, Blond_Hair, Brown_Hair, Male, Young"),
        ("attributes PORTRAIT -o OUT.png --set Black_Hair=1 --set Blond_Hair=1", "exclude one another"),
        ("style PORTRAIT -o OUT.png --seed 1 --domain lion", "female, male"),
        ("style PORTRAIT -o OUT.png --domain male", "one of the arguments --reference --seed is required"),
        ("style PORTRAIT -o OUT.mp4 --seed 1 --seed 2 --to-seed 3 --domain male", "one picture"),
        ("style PORTRAIT -o OUT.mp4 --seed 1 --to-seed 3 --domain male --frames 1", "2 to 1000"),
        ("style PORTRAIT PORTRAIT -o OUT.png --seed 1 --domain male --paste-back", "--paste-back"),
        ("weights import fan-wing PORTRAIT", "amara.png"),
    ],
)
def test_what_the_translators_are_told_is_one_line(
    command: str, word: str, home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = command.replace("OUT", str(tmp_path / "out")).split()
    assert main([str(PORTRAIT) if part == "PORTRAIT" else part for part in words]) == 2
    said = capsys.readouterr()
    assert said.out == "" and said.err.count("\n") == 1 and word in said.err
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


def test_consent_is_told_once_on_a_terminal_and_never_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DEEPFAKE_HOME", str(tmp_path / "home"))
    show_notice_once()
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    show_notice_once()
    show_notice_once()
    assert capsys.readouterr().err.count("people who have agreed") == 1
