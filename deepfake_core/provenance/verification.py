"""What is found out about a file's origin, and how it is told in plain words."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

from deepfake_core.provenance.xmp import Statement

SPOILED = {
    "assertion.dataHash.mismatch": "the picture, or other bytes beside the statement, were changed after it was signed",
    "assertion.bmffHash.mismatch": "frames, sound or other bytes of the video were changed after it was signed",
    "assertion.hashedURI.mismatch": "a part of the signed statement was changed",
    "claimSignature.mismatch": "the signature does not fit the statement",
    "claimSignature.outsideValidity": "it was signed when the signer's certificate was not valid",
    "signingCredential.expired": "the signer's certificate has expired since, so it can no longer be checked",
    "signingCredential.invalid": "the signer's certificate is not fit to sign",
}
"""What c2pa's words for a failed check mean."""

UNTRUSTED = "signingCredential.untrusted"
MADE = {"c2pa.created": "created", "c2pa.edited": "edited from a given picture"}
KINDS = {
    "trainedAlgorithmicMedia": "made by a trained network",
    "compositeWithTrainedAlgorithmicMedia": "composed with parts made by a trained network",
    "algorithmicMedia": "drawn by a program",
    "digitalCapture": "taken with a camera",
}
LOST = (
    "Saving the file anew, and a screenshot, take the credential and the XMP data away. The invisible mark mostly "
    "survives saving and scaling, the visible label a screenshot; a crop can take both. So what carries nothing may "
    "still be made up."
)


class Mark(NamedTuple):
    """The invisible mark that was read from the pixels."""

    payload: int
    """32 bits."""
    certainty: float
    """0 to 1."""
    model: str | None
    """The model that it stands for, if that is one of those asked about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """What a Content Credential says, and whether to believe it. All words in it are the signer's own."""

    state: Literal["valid", "invalid"]
    """`invalid`: something was changed since it was signed, or the statement is damaged."""
    problems: tuple[str, ...] = ()
    """Why it is invalid, in words."""
    trusted: bool = False
    """Whether somebody whom this machine knows vouches for the signer."""
    whose: str | None = None
    """Which key of ours signed it; None for anybody else's."""
    signer: str = ""
    fingerprint: str = ""
    """SHA-256 of the signer's certificate, where it is one of ours."""
    serial: str = ""
    """Number of that certificate, by which others know it."""
    tool: str = ""
    action: str = ""
    source_type: str = ""
    model: str = ""
    weights_sha256: str = ""
    inputs: tuple[str, ...] = ()
    """Their hashes, and what was hashed."""
    outside: tuple[str, ...] = ()
    """Parts of the file that the signature does not cover, and that are not as this program writes them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """All that a file says of its origin."""

    name: str
    kind: str
    credential: Credential | None
    xmp: Statement | None
    mark: Mark | None
    notes: tuple[str, ...] = ()
    """What could not be looked at, and why."""

    @property
    def state(self) -> Literal["valid", "invalid", "none"]:
        """Of the credential."""
        return self.credential.state if self.credential else "none"

    @property
    def sentences(self) -> tuple[str, ...]:
        """The findings for people who never heard of any of this."""
        told = [*self._of_the_credential(), *self._of_the_xmp(), self._of_the_mark(), *self.notes, LOST]
        return tuple(told)

    @property
    def rows(self) -> tuple[tuple[str, str], ...]:
        """The particulars, as names and values; what was not found has no row."""
        found = self.credential
        rows = [("File", f"{self.name} ({self.kind})"), ("Content Credentials", self.state)]
        if found:
            rows += [("Problem", problem) for problem in found.problems]
            rows += [("Outside the signature", part) for part in found.outside]
            rows += [
                ("Signed by", found.signer),
                ("Known here as", found.whose or ("vouched for, not ours" if found.trusted else "a stranger")),
                ("Certificate (SHA-256)", found.fingerprint),
                ("Certificate number", found.serial),
                ("Made with", found.tool),
                ("Model", found.model),
                ("Weights (SHA-256)", found.weights_sha256),
                ("Action", MADE.get(found.action, found.action)),
                ("Digital source type", found.source_type),
            ]
            rows += [(f"Input {number} (SHA-256)", digest) for number, digest in enumerate(found.inputs, 1)]
        if self.xmp:
            rows += [("XMP: digital source type", self.xmp.source_type), ("XMP: tool", self.xmp.tool)]
        if self.mark:
            rows.append(("Invisible mark", f"{self.mark.payload:08x}, {self.mark.certainty:.0%} certain"))
            rows.append(("Invisible mark: model", self.mark.model or ""))
        return tuple((name, value) for name, value in rows if value)

    def _of_the_credential(self) -> list[str]:
        found = self.credential
        if found is None:
            return [
                "This file carries no Content Credentials: there never were any, or they were lost when it was saved "
                "anew, sent through a service that strips them, or photographed from a screen."
            ]
        if found.state == "invalid":
            return [f"The Content Credentials of this file do not hold: {'; '.join(found.problems)}."]
        unchanged = "This file carries Content Credentials, and nothing in it was changed since it was signed."
        if found.outside:
            unchanged = (
                "This file carries Content Credentials, and nothing that the signature covers was changed since it was "
                "signed. It does not cover everything: somebody may have changed or added since "
                f"{'; '.join(found.outside)}."
            )
        return [unchanged, self._of_the_signer(found), self._of_the_making(found)]

    def _of_the_signer(self, found: Credential) -> str:
        signer = found.signer or "somebody without a name"
        if found.whose:
            return f"It was signed by {signer}, with {found.whose}."
        if found.trusted:
            return f"It was signed by {signer}, for whom an authority vouches that is known here."
        return f"It was signed by {signer}, whom this machine does not know: anybody can make a key of any name."

    def _of_the_making(self, found: Credential) -> str:
        made = MADE.get(found.action, found.action or "made")
        model = f" with the model {found.model}" if found.model else ""
        count = len(found.inputs)
        inputs = f", from {count} {'input' if count == 1 else 'inputs'} known by hash" if count else ""
        kind = KINDS.get(found.source_type.rpartition("/")[2])
        return (
            f"The signer says: {made}{model} in {found.tool or 'an unnamed tool'}{inputs}{f'; {kind}' if kind else ''}."
        )

    def _of_the_xmp(self) -> list[str]:
        if self.xmp is None or not self.xmp.source_type:
            return ["Its XMP data say nothing of how it came about."]
        kind = self.xmp.source_type.rpartition("/")[2]
        proof = "" if self.state == "valid" else "; nobody signed that"
        return [f"Its XMP data say that it was {KINDS.get(kind, kind)}{proof}."]

    def _of_the_mark(self) -> str:
        if self.mark is None:
            return "No invisible mark was found in its pixels."
        model = f", which stands for the model {self.mark.model}" if self.mark.model else ""
        return f"The invisible mark of Deepfake Lab is in its pixels ({self.mark.certainty:.0%} certain){model}."
