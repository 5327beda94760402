"""Uploads while they stream: bytes, files, free space; and nothing is left of one that failed."""

import os
import shutil
from contextlib import suppress
from pathlib import Path, PurePosixPath, PureWindowsPath

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.formparsers import MultiPartException

from deepfake_core.settings import settings
from deepfake_core.ui.server.asgi import App, Message, Receive, Scope, Send, header, refuse
from deepfake_core.ui.server.body import MALFORMED

MOST_FILES = 32
"""In one request."""
HEADERS = 64_000
"""Bytes of a request around the files in it."""
NAME_BYTES = 1_024
TOO_LARGE = "one upload may have {} MB in all; choose a smaller file, or fewer"
TOO_MANY = f"one upload may have {MOST_FILES} files; choose fewer"
DISK_FULL = "this server's disk is full; come back later"
CUT_OFF = "the upload was cut off"


class Uploads:
    """Takes the requests that bring files into Gradio's folder for them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._open = 0

    async def take(self, app: App, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand an upload on, part by part; once one is refused, Gradio's parser removes what it has written."""
        form = UploadForm(header(scope, b"content-type") or "", self.folder)
        if form.refusal:
            await refuse(*form.refusal, scope, receive, send)
            return
        failed = False

        async def receiving() -> Message:
            message = await receive()
            form.check(message)
            return message

        async def sending(message: Message) -> None:
            nonlocal failed
            if message["type"] == "http.response.start":
                failed = message["status"] >= 400
                if message["status"] == 413:  # Gradio's own limit, of one file, in words of our own
                    form.refusal = 413, form.too_large
            if form.refusal is None:
                await send(message)

        self._open += 1
        try:
            await app(scope, receiving, sending)
        except BaseException:
            failed = True
            raise
        finally:
            self._open -= 1
            if failed or form.refusal:
                self._remove_leftovers()
        if form.refusal:
            await refuse(*form.refusal, scope, receive, send)

    def _remove_leftovers(self) -> None:
        """While nobody uploads, the parser's temporary files are nobody's."""
        if self._open == 0:
            for path in self.folder.glob("tmp*"):
                with suppress(OSError):
                    if path.is_file():
                        path.unlink()


class UploadForm:
    """The state of one upload. `refusal` is the answer's status and sentence once it may not go on."""

    def __init__(self, content_type: str, folder: Path) -> None:
        kind, options = parse_options_header(content_type)
        boundary = options.get(b"boundary", b"")
        self.refusal: tuple[int, str] | None = None
        self._folder, self._bytes, self._files, self._ended = folder, 0, 0, False
        self._most = settings().upload_megabytes * 2**20 + HEADERS
        charset = options.get(b"charset", b"utf-8").lower()  # Gradio would read the names by another
        if kind != b"multipart/form-data" or not 0 < len(boundary) <= 200 or charset != b"utf-8":
            self.refusal = 400, MALFORMED
        elif self._disk_is_full():
            self.refusal = 507, DISK_FULL
        else:
            self._name, self._value, self._disposition = b"", b"", b""
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._begin,
                    "on_header_field": self._add_name,
                    "on_header_value": self._add_value,
                    "on_header_end": self._end_header,
                    "on_headers_finished": self._check_part,
                    "on_end": self._end,
                },
            )

    def check(self, message: Message) -> None:
        """Look at the next part of the request. Raises `MultiPartException`, after which Gradio tidies up."""
        if message["type"] != "http.request":
            self._refuse(400, CUT_OFF)
        body = message.get("body", b"")
        self._bytes += len(body)
        if self._bytes > self._most:
            self._refuse(413, self.too_large)
        if self._disk_is_full():
            self._refuse(507, DISK_FULL)
        try:
            self._parser.write(body)
        except MultipartParseError:
            self._refuse(400, MALFORMED)
        if not message.get("more_body", False) and not self._ended:
            self._refuse(400, CUT_OFF)

    @property
    def too_large(self) -> str:
        """What to say of an upload beyond the setting."""
        return TOO_LARGE.format(settings().upload_megabytes)

    def _refuse(self, status: int, sentence: str) -> None:
        self.refusal = status, sentence
        raise MultiPartException(sentence)

    def _disk_is_full(self) -> bool:
        folder = next(one for one in (self._folder, *self._folder.parents) if one.exists())
        return shutil.disk_usage(folder).free < settings().free_megabytes * 2**20

    def _begin(self) -> None:
        self._disposition = b""

    def _add_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _add_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _end_header(self) -> None:
        if self._name.lower() == b"content-disposition":
            self._disposition = self._value
        self._name = self._value = b""

    def _check_part(self) -> None:
        """A part is a file with a name: fields without one would be kept in memory."""
        _, options = parse_options_header(self._disposition)
        self._files += 1
        if self._files > MOST_FILES:
            self._refuse(400, TOO_MANY)
        name = options.get(b"filename", b"")
        if options.get(b"name") != b"files" or not is_file_name(name):
            self._refuse(400, MALFORMED)

    def _end(self) -> None:
        self._ended = True


def is_file_name(name: bytes) -> bool:
    """Whether it names a file in a folder, on any system."""
    try:
        text = name.decode()
    except UnicodeDecodeError:
        return False
    last = {PurePosixPath(text).name, PureWindowsPath(text).name, os.path.basename(text)}
    return len(name) <= NAME_BYTES and "\0" not in text and last.isdisjoint({"", ".", ".."})
