"""A signing key that other users could read, change or replace is refused, with the command that mends it."""

import os
import stat
from pathlib import Path

import pytest

from deepfake_core.errors import BadRequest
from deepfake_core.provenance import private_files
from deepfake_core.provenance.certificates import generate
from deepfake_core.provenance.keys import signing_pair
from deepfake_core.provenance.private_files import private_bytes
from tests.provenance.test_keys import give, written

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs owners and permissions of files")
STRANGER = 4321


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DEEPFAKE_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "credentials"


@pytest.fixture
def key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A key that is given by the settings, as it should be."""
    files = written(tmp_path / "given", generate("Our School"))
    give(monkeypatch, files)
    assert signing_pair().certificates.name == "Our School"
    return files[0]


def owned(monkeypatch: pytest.MonkeyPatch, path: Path, owner: int) -> None:
    """Show `path` as a file of that user; only root could really give it away."""
    real_fstat, real_stat = os.fstat, Path.stat
    inode = path.lstat().st_ino

    def changed(found: os.stat_result) -> os.stat_result:
        if found.st_ino != inode:
            return found
        return os.stat_result((*found[:4], owner, *found[5:]))

    monkeypatch.setattr(os, "fstat", lambda descriptor: changed(real_fstat(descriptor)))
    monkeypatch.setattr(Path, "stat", lambda self, **more: changed(real_stat(self, **more)))


def as_user(monkeypatch: pytest.MonkeyPatch, user: int) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: user)


@pytest.mark.parametrize("mode", [0o640, 0o620, 0o610, 0o604, 0o602, 0o666, 0o660])
def test_a_key_that_others_may_read_or_change_is_refused(key: Path, mode: int) -> None:
    key.chmod(mode)
    with pytest.raises(BadRequest, match=rf"its mode is {mode:o}.*chmod 600 {key}"):
        signing_pair()
    key.chmod(0o600)
    assert signing_pair()


@pytest.mark.parametrize("mode", [0o400, 0o600, 0o700])
def test_a_key_for_its_owner_alone_is_taken(key: Path, mode: int) -> None:
    key.chmod(mode)
    assert signing_pair()


@pytest.mark.parametrize("mode", [0o770, 0o777, 0o703, 0o720])
def test_a_folder_in_which_others_may_replace_the_key_is_refused(key: Path, mode: int) -> None:
    key.parent.chmod(mode)
    with pytest.raises(BadRequest, match=rf"replace the signing key.*chmod go-w {key.parent}"):
        signing_pair()
    key.parent.chmod(mode | stat.S_ISVTX)
    assert signing_pair(), "in a sticky folder they may not"


def test_a_key_of_another_user_is_refused(key: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    owned(monkeypatch, key, STRANGER)
    with pytest.raises(BadRequest, match=rf"belongs to user {STRANGER}.*chown {os.geteuid()} {key}"):
        signing_pair()


def test_a_folder_of_another_user_is_refused(key: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    owned(monkeypatch, key.parent, STRANGER)
    with pytest.raises(BadRequest, match=rf"folder .* belongs to user {STRANGER}.*chown"):
        signing_pair()


def test_root_may_give_a_container_its_key(key: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Readable by the container's group, and by nobody else."""
    owned(monkeypatch, key, 0)
    owned(monkeypatch, key.parent, 0)
    as_user(monkeypatch, STRANGER)
    monkeypatch.setattr(private_files, "_check_folder", lambda folder: None)
    key.chmod(0o440)
    assert private_bytes(key) == key.read_bytes()
    for mode in (0o460, 0o444, 0o442):
        key.chmod(mode)
        with pytest.raises(BadRequest, match="chmod 640"):
            private_bytes(key)


def test_a_link_is_held_to_the_rules_of_its_target(key: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And so is the folder of the link: who may write there may put another link in its place."""
    places = tmp_path / "links"
    places.mkdir(mode=0o755)
    link = places / "key.pem"
    link.symlink_to(key)
    assert private_bytes(link) == key.read_bytes()
    key.chmod(0o644)
    with pytest.raises(BadRequest, match=f"chmod 600 {key}"):
        private_bytes(link)
    key.chmod(0o600)
    key.parent.chmod(0o777)
    with pytest.raises(BadRequest, match=f"go-w {key.parent}"):
        private_bytes(link)
    key.parent.chmod(0o755)
    places.chmod(0o777)
    with pytest.raises(BadRequest, match=f"go-w {places}"):
        private_bytes(link)


def test_what_is_no_file_is_refused_and_does_not_block(tmp_path: Path) -> None:
    folder = tmp_path / "given"
    folder.mkdir()
    os.mkfifo(folder / "pipe", 0o600)
    (folder / "circle").symlink_to(folder / "circle")
    (folder / "device").symlink_to("/dev/zero")
    for name in ("pipe", "circle", "device", "gone"):
        with pytest.raises(BadRequest, match=rf"^{name} .*signing settings"):
            private_bytes(folder / name)
    with pytest.raises(BadRequest):
        private_bytes(folder)


@pytest.mark.parametrize("mode", [0o750, 0o705, 0o777])
def test_our_own_folder_is_closed_to_others(home: Path, mode: int) -> None:
    signing_pair()
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    home.chmod(mode)
    with pytest.raises(BadRequest, match=rf"chmod 700 {home}"):
        signing_pair()
    home.chmod(0o700)
    assert signing_pair()
