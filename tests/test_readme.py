"""The README's commands and Python blocks work as they are pasted, in the project's folder."""

import re
import shlex
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from deepfake_core import cli
from deepfake_core.media.probe import sounds_of
from tests.provenance.declared import assert_declared

REPOSITORY = Path(__file__).parents[1]
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
FILE = re.compile(r"[\w./-]+\.(?:png|jpe?g|webp|mp4|mov|py|txt|ckpt|pth|tar|safetensors|toml|ya?ml)")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


COMMANDS = [shlex.split(line, comments=True) for block in blocks("sh") for line in block.splitlines()]
OUTPUTS = {after for words in COMMANDS for word, after in pairwise(words) if word == "-o"}


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_command_names_files_that_are_there(words: list[str]) -> None:
    missing = [word for word in words if FILE.fullmatch(word) and not (REPOSITORY / word).exists()]
    assert set(missing) <= OUTPUTS  # what this command or one above writes


@pytest.mark.parametrize(
    "words", [words for words in COMMANDS if words[:3] == ["python", "-m", "deepfake_core"]], ids=" ".join
)
def test_a_command_of_the_package_is_understood(words: list[str]) -> None:
    if words[-1] == "--help":
        with pytest.raises(SystemExit, match="0"):
            cli.parser().parse_args(words[3:])
    else:
        cli.parser().parse_args(words[3:])


def test_there_is_something_to_check() -> None:
    assert len(COMMANDS) > 15 and len(blocks("python")) == 3 and "result.mp4" in OUTPUTS


@pytest.mark.parametrize(
    ("number", "made"),
    [
        pytest.param(0, {"moving.mp4": "fomm-starter"}, marks=pytest.mark.slow),
        (1, {"blond.png": "stargan-starter"}),
        (2, {}),
    ],
)
def test_a_python_block_runs_by_itself(
    number: int, made: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "examples").symlink_to(REPOSITORY / "examples")
    monkeypatch.chdir(tmp_path)
    exec(compile(blocks("python")[number], "README.md", "exec"), {})
    assert {path.name for path in tmp_path.iterdir()} == {"examples", *made}
    for name, model in made.items():
        assert_declared(tmp_path / name, model=model)
        if name.endswith(".mp4"):
            assert len(sounds_of(tmp_path / name)) == 1


@pytest.mark.parametrize(("option", "status"), [("--help", 0), ("--port", 2)])
def test_the_app_prints_its_help_and_does_not_start(option: str, status: int) -> None:
    done = subprocess.run(
        [sys.executable, "app.py", option], cwd=REPOSITORY, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == status and "usage: python app.py" in done.stdout + done.stderr
    assert "Running on" not in done.stdout and ("GRADIO_SERVER_PORT" in done.stdout) == (status == 0)
