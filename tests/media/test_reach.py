"""No file makes a decoder read another file or reach an address, whatever it says and whatever it is called."""

import shutil
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
from PIL import Image

from deepfake_core.errors import UnreadableMedia
from deepfake_core.media.decode import read_frames
from deepfake_core.media.ffmpeg import Ffmpeg
from deepfake_core.media.images import read_image
from tests.media.clips import gradient
from tests.media.test_sandbox import landlock, seccomp


class Server(ThreadingHTTPServer):
    """Counts who asks."""

    asked = 0


class _Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, Server)
        self.server.asked += 1
        self.send_error(404)

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""


@pytest.fixture
def server() -> Iterator[Server]:
    """A server on loopback that nothing should reach."""
    with Server(("127.0.0.1", 0), _Answer) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


SCRIPTS = {
    "hls": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{url}\n#EXT-X-ENDLIST\n",
    "hls-key": '#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI="{url}"\n#EXTINF:1,\n{url}\n#EXT-X-ENDLIST\n',
    "concat": "ffconcat version 1.0\nfile '{url}'\n",
    "dash": '<?xml version="1.0"?><MPD type="static" mediaPresentationDuration="PT1S" profiles="full"><Period>'
    '<AdaptationSet mimeType="video/mp4"><Representation id="1" bandwidth="1"><BaseURL>{url}</BaseURL>'
    "</Representation></AdaptationSet></Period></MPD>",
    "svg": '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="64" height="48">'
    '<image xlink:href="{url}" width="64" height="48"/></svg>',
    "entity": '<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY a SYSTEM "{url}">]><svg width="64" height="48">&a;</svg>',
    "ffmetadata": ";FFMETADATA1\ntitle={url}\n",
    "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n",
    "imf": '<?xml version="1.0"?><CompositionPlaylist xmlns="http://www.smpte-ra.org/schemas/2067-3/2016">{url}'
    "</CompositionPlaylist>",
    "postscript": "%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 99 99\n({url}) run\n",
}


@pytest.mark.parametrize("kind", SCRIPTS)
def test_a_script_is_no_media(clips: Path, tmp_path: Path, server: Server, kind: str) -> None:
    shutil.copy(clips / "plain.mp4", tmp_path / "secret.mp4")
    address = f"http://127.0.0.1:{server.server_port}/x.mp4"
    for url in (address, f"file://{tmp_path}/secret.mp4", str(tmp_path / "secret.mp4"), "secret.mp4"):
        for read, suffix in ((read_frames, "mp4"), (read_image, "png")):
            path = tmp_path / f"upload.{suffix}"
            path.write_text(SCRIPTS[kind].format(url=url))
            with pytest.raises(UnreadableMedia, match=f"upload.{suffix} is not a"):
                read(path)
    assert server.asked == 0


def _first_frame(ffmpeg: Ffmpeg) -> int:
    try:
        with ffmpeg.time_limit(20):
            return len(ffmpeg.output.read(100))
    finally:
        ffmpeg.kill()


@seccomp
def test_the_jail_alone_keeps_ffmpeg_from_the_network(server: Server) -> None:
    url = f"http://127.0.0.1:{server.server_port}/x.mp4"
    subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-i", url], capture_output=True, check=False, timeout=20)
    assert server.asked == 1  # it would
    ffmpeg = Ffmpeg(["-i", url])
    assert ffmpeg.wait(20) != 0
    assert server.asked == 1
    assert "Permission denied" in "\n".join(ffmpeg.messages)


@landlock
def test_the_jail_alone_keeps_ffmpeg_from_other_files(clips: Path, tmp_path: Path) -> None:
    script, secret = tmp_path / "list.txt", clips / "plain.mp4"
    script.write_text(f"ffconcat version 1.0\nfile '{secret}'\n")
    arguments = ["-f", "concat", "-safe", "0", "-i", str(script), "-f", "rawvideo", "pipe:1"]
    assert _first_frame(Ffmpeg(arguments, reads=(script, secret), pipe_output=True)) == 100  # it would
    assert _first_frame(Ffmpeg(arguments, reads=(script,), pipe_output=True)) == 0
    with pytest.raises(FileNotFoundError):
        (tmp_path / "out.avi").stat()
    writing = Ffmpeg(["-i", str(secret), str(tmp_path / "out.avi")], reads=(secret,))
    assert writing.wait(20) != 0
    assert not (tmp_path / "out.avi").exists()


def test_contents_decide_and_names_do_not(clips: Path, tmp_path: Path) -> None:
    for kind, name in (("JPEG", "photo.png"), ("GIF", "photo.jpg"), ("PNG", "photo.mp4")):
        Image.fromarray(gradient(0)).save(tmp_path / name, kind)
        assert np.abs(read_image(tmp_path / name).astype(int) - gradient(0)).mean() < 8
    shutil.copy(clips / "tiny.gif", tmp_path / "clip.mp4")
    assert len(list(read_frames(tmp_path / "clip.mp4"))) == 12
    shutil.copy(clips / "plain.mp4", tmp_path / "clip.png")
    with pytest.raises(UnreadableMedia, match=r"clip\.png is not a readable picture"):
        read_image(tmp_path / "clip.png")
    with pytest.raises(UnreadableMedia, match=r"photo\.mp4 is a picture"):
        read_frames(tmp_path / "photo.mp4")
