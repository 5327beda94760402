"""The verdict on a file in one line, and what holds and what does not, for readers without prior knowledge."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

from deepfake_core.provenance.verification import KINDS, TAMPERED, Credential, Verification

State = Literal["valid", "partial", "untrusted", "changed", "broken", "marked", "silent"]
"""`valid`: signed by a trusted key and unchanged. `partial`: the same, but the signature does not cover all parts.
`untrusted`: unchanged, but the signer is unknown. `changed`: after signing. `broken`: the signature cannot be used for
another reason. `marked`: not signed, but a statement or the watermark says that it was generated. `silent`: none."""
Sign = Literal["yes", "no", "unsure", "absent"]

TITLES: dict[State, str] = {
    "valid": "Valid: signed and unchanged",
    "partial": "Signed, but not all of it is protected",
    "untrusted": "Signed by someone unknown",
    "changed": "Changed after signing",
    "broken": "The signature is not valid",
    "marked": "Not signed, but marked as generated",
    "silent": "Says nothing about its origin",
}
GENERATED = tuple(name for name in KINDS if name != "digitalCapture")
"""Digital source types that say that a picture was generated, at least in part."""


class Finding(NamedTuple):
    """One mark, and what became of it."""

    mark: str
    sign: Sign
    text: str


class Survival(NamedTuple):
    """What is left of one mark after three common changes."""

    mark: str
    saved_again: str
    screenshot: str
    crop: str


LOST, STAYS, USUALLY = "lost", "stays", "usually stays"
SURVIVAL = {
    "signature": Survival("Signature", LOST, LOST, LOST),
    "xmp": Survival("XMP statement", LOST, LOST, LOST),
    "watermark": Survival("Invisible watermark", USUALLY, USUALLY, LOST),
    "label": Survival("Visible label", STAYS, STAYS, "may be cut off"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The verdict, its reason in one sentence, and the marks one by one."""

    state: State
    reason: str
    findings: tuple[Finding, ...]
    survival: tuple[Survival, ...]
    """Of the marks that this file carries."""
    notes: tuple[str, ...]
    """What could not be examined, and why."""

    @property
    def title(self) -> str:
        return TITLES[self.state]


def verdict_of(found: Verification) -> Verdict:
    """The verdict on a verified file."""
    state = _state(found)
    carried = {"signature": found.credential, "xmp": found.xmp, "watermark": found.watermark, "label": True}
    return Verdict(
        state=state,
        reason=_reason(state, found),
        findings=(*_signature(found.credential), _statement(found), _watermark(found)),
        survival=tuple(one for name, one in SURVIVAL.items() if carried[name]),
        notes=found.notes,
    )


def _state(found: Verification) -> State:
    credential = found.credential
    if credential is None:
        return "marked" if found.watermark or _says_generated(found) else "silent"
    if credential.state == "invalid":
        return "changed" if set(credential.problems) & TAMPERED else "broken"
    if not credential.trusted:
        return "untrusted"
    return "partial" if credential.outside else "valid"


def _says_generated(found: Verification) -> bool:
    return found.xmp is not None and found.xmp.source_type.rpartition("/")[2] in GENERATED


def _reason(state: State, found: Verification) -> str:
    credential = found.credential
    if credential is None:
        if found.watermark:
            return (
                "Nobody vouches for this file any more, but the invisible watermark of Deepfake Lab is still in its "
                "pixels: it was most likely generated here and saved again later."
            )
        if state == "marked":
            return "It says itself that it was generated, but nobody signed it: anyone can write or remove that."
        return "It has no signature, no statement and no watermark, like most photographs and most fakes."
    if credential.state == "invalid":
        return f"The signature proves nothing any more: {'; '.join(credential.problems)}."
    signer = credential.signer or "an unnamed signer"
    if state == "untrusted":
        return (
            f"Nothing changed since {signer} signed it, but this computer does not know that signer: anyone can make a "
            "key with any name."
        )
    if state == "partial":
        return f"What {signer} signed is unchanged, but other parts of the file may have been changed or added later."
    return f"{signer} states that it was {_made(credential)}; nothing was changed since."


def _made(credential: Credential) -> str:
    kind = KINDS.get(credential.source_type.rpartition("/")[2], "made")
    model = f", {credential.model}," if credential.model and kind.endswith("network") else ""
    tool = f" in {credential.tool}" if credential.tool else ""
    return f"{kind}{model}{tool}".rstrip(",")


def _signature(credential: Credential | None) -> list[Finding]:
    """The signature, and, if it is valid, who signed."""
    if credential is None:
        return [Finding("Signature", "absent", "none; the file never had one, or lost it when it was saved again")]
    if credential.state == "invalid":
        return [Finding("Signature", "no", "; ".join(credential.problems))]
    whole = Finding("Signature", "yes", "valid: nothing was changed after signing")
    if credential.outside:
        whole = Finding("Signature", "unsure", f"valid, but does not cover: {'; '.join(credential.outside)}")
    signer = credential.signer or "unnamed"
    if credential.whose:
        return [whole, Finding("Signer", "yes", f"{signer}, with {credential.whose}")]
    if credential.trusted:
        return [whole, Finding("Signer", "yes", f"{signer}, known to an authority that this computer trusts")]
    return [whole, Finding("Signer", "unsure", f"{signer}, unknown to this computer")]


def _statement(found: Verification) -> Finding:
    if found.xmp is None or not found.xmp.source_type:
        return Finding("XMP statement", "absent", "none on how it was made")
    kind = found.xmp.source_type.rpartition("/")[2]
    text = f"“{KINDS.get(kind, kind)}”"
    if found.state == "valid":
        sign: Sign = "yes" if found.credential and found.credential.trusted else "unsure"
        return Finding("XMP statement", sign, f"{text}, covered by the signature")
    return Finding("XMP statement", "unsure", f"{text}, which anyone can have written")


def _watermark(found: Verification) -> Finding:
    if found.watermark is None:
        return Finding("Invisible watermark", "absent", "none found in the pixels")
    model = f", and it names the model {found.watermark.model}" if found.watermark.model else ""
    return Finding(
        "Invisible watermark", "yes", f"found in the pixels ({found.watermark.certainty:.0%} certain){model}"
    )
