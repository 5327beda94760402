"""Worker process that reads the Content Credentials of an untrusted file; started by `verify`.

c2pa is native code: a panic, endless loop or excessive memory use would affect the process that calls it. The file is
read from standard input; the answer is one JSON object. It imports neither numpy nor torch and takes 0.1 s in all.
"""

import json
import os
import sys
from typing import Any

import c2pa

from deepfake_core.media.sandbox import confine

GENERATION = "deepfake-lab.generation"
"""This project's own assertion: model, hash of its weights, hashes of the inputs."""
BOX_HASH = "c2pa.hash.bmff"
"""Label, without version, of the assertion with the hash of a video's boxes."""
MOST_INPUTS = 64
MOST_LETTERS = 300
NO_MANIFEST = ("ManifestNotFound", "Other: C2PA provenance not found in XMP")
"""c2pa's messages for a file without a manifest."""


def main(memory: int, cpu: int, parent: int, media_type: str, anchors: str) -> None:
    """Print the credential's fields, or `none`, or the reason why it is `damaged`, as JSON.

    `memory` in bytes, `cpu` in seconds; `anchors`: trusted root certificates in PEM.
    """
    reads = [os.path.dirname(os.__file__), os.path.dirname(c2pa.__file__)]
    confine(memory=memory, cpu=cpu, file=0, reads=reads, writes=[], parent=parent)
    options: dict[str, Any] = {"verify": {"remote_manifest_fetch": False, "ocsp_fetch": False, "verify_trust": True}}
    if anchors:
        options["trust"] = {"trust_anchors": anchors}
    try:
        with (
            c2pa.Context.from_dict(options) as context,
            c2pa.Reader(media_type, sys.stdin.buffer, context=context) as found,
        ):
            answer = _fields(found.get_validation_state() or "", json.loads(found.json()))
            answer["excluded"] = _excluded(json.loads(found.detailed_json()))
    except c2pa.C2paError as error:
        answer = {"none": True} if str(error).startswith(NO_MANIFEST) else {"damaged": _text(str(error))}
    print(json.dumps(answer))


def _fields(state: str, store: dict[str, Any]) -> dict[str, Any]:
    """The fields of the active manifest as strings and lists of strings."""
    active = _dict(_dict(store.get("manifests")).get(_text(store.get("active_manifest"))))
    signature, assertions = _dict(active.get("signature_info")), _list(active.get("assertions"))
    results = _dict(_dict(store.get("validation_results")).get("activeManifest"))
    actions = [_dict(one) for one in _list(_data(assertions, "c2pa.actions").get("actions"))]
    generation = _data(assertions, GENERATION)
    made = next((one for one in actions if "digitalSourceType" in one), actions[-1] if actions else {})
    tool = _dict((_list(active.get("claim_generator_info")) or [{}])[0])
    inputs = [_dict(one) for one in _list(generation.get("inputs"))[:MOST_INPUTS]]
    return {
        "state": state,
        "failures": sorted({_text(_dict(one).get("code")) for one in _list(results.get("failure"))})[:MOST_INPUTS],
        "signer": _text(signature.get("common_name")),
        "issuer": _text(signature.get("issuer")),
        "serial": _text(signature.get("cert_serial_number")),
        "tool": f"{_text(tool.get('name'))} {_text(tool.get('version'))}".strip(),
        "action": _text(made.get("action")),
        "source_type": _text(made.get("digitalSourceType")),
        "model": _text(generation.get("model")),
        "weights_sha256": _text(generation.get("weights_sha256")),
        "inputs": [f"{_text(one.get('sha256'))} ({_text(one.get('of'))})" for one in inputs],
        "ingredients": str(len(_list(active.get("ingredients")))),
    }


def _excluded(store: dict[str, Any]) -> list[str]:
    """Paths of the boxes of a video that are excluded from its hash; empty for other files."""
    active = _dict(_dict(store.get("manifests")).get(_text(store.get("active_manifest"))))
    hashes = [_dict(one) for name, one in _dict(active.get("assertion_store")).items() if name.startswith(BOX_HASH)]
    paths = {_text(_dict(one).get("xpath")) for each in hashes for one in _list(each.get("exclusions"))}
    return sorted(paths)[:MOST_INPUTS]


def _data(assertions: list[Any], label: str) -> dict[str, Any]:
    return next(
        (_dict(one.get("data")) for one in map(_dict, assertions) if _text(one.get("label")).startswith(label)), {}
    )


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: Any) -> str:
    """Printable characters only, at most `MOST_LETTERS`: the text is shown in a terminal and on the page."""
    letters = value if isinstance(value, str) else "" if value is None else str(value)[:MOST_LETTERS]
    return "".join(letter if letter.isprintable() else "?" for letter in letters[:MOST_LETTERS])
