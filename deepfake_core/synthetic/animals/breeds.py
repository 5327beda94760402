"""The breeds of the drawn animals: typical looks around which identities are sampled."""

from typing import NamedTuple

Colour = tuple[float, float, float]

SPECIES = ("cat", "dog", "wild")
PATTERNS = ("plain", "tabby", "tiger", "spots", "dots", "patches", "calico", "points", "muzzle")
EARS = ("pointed", "round", "floppy", "folded")
WHITE: Colour = (0.96, 0.94, 0.90)
PINK: Colour = (0.87, 0.53, 0.50)
INK: Colour = (0.13, 0.10, 0.10)


class Breed(NamedTuple):
    """Typical looks; the parts that start with `pale_` are the shares of each region with the pale colour, 0 .. 1."""

    species: str
    base: Colour = (0.50, 0.50, 0.50)
    second: Colour = (0.50, 0.50, 0.50)  # of the pattern
    ears: Colour = (0.50, 0.50, 0.50)  # back of the ears, and all of floppy ones
    eyes: tuple[Colour, ...] = ((0.36, 0.20, 0.10),)  # one of these
    pattern: str = "plain"
    pale: Colour = WHITE
    pale_muzzle: float = 0.0
    pale_cheeks: float = 0.0
    pale_brows: float = 0.0
    pale_blaze: float = 0.0
    pale_chest: float = 0.0
    nose: Colour = INK
    nose_size: float = 1.0
    ear: str = "pointed"
    ear_size: float = 1.0
    eye_size: float = 1.0
    slit: float = 0.0  # 0 round pupils .. 1 slits
    muzzle_length: float = 0.0  # 0 a cat's .. 1 a hound's
    muzzle_width: float = 1.0
    face_width: float = 1.0
    mane: float = 0.0  # 0 none .. 1 a lion's
    mane_colour: Colour = (0.50, 0.28, 0.13)
    fluff: float = 0.4  # 0 smooth .. 1 shaggy outline
    whiskers: float = 1.0


_GREEN, _AMBER, _BLUE, _BROWN = (0.55, 0.70, 0.30), (0.90, 0.62, 0.16), (0.36, 0.64, 0.90), (0.36, 0.20, 0.10)
_GOLD, _ICE = (0.93, 0.74, 0.26), (0.55, 0.80, 0.95)
_BLACK, _SOOT, _GINGER = (0.20, 0.19, 0.21), (0.34, 0.32, 0.35), (0.89, 0.56, 0.27)

_CAT = Breed(
    species="cat", nose=PINK, eye_size=1.28, slit=0.7, nose_size=0.72, face_width=1.07, ear_size=1.03,
)  # fmt: skip
_DOG = Breed(
    species="dog", eyes=(_BROWN,), ear="floppy", muzzle_length=0.8, nose_size=1.25, whiskers=0.15, eye_size=1.12,
    muzzle_width=1.05,
)  # fmt: skip
_WILD = Breed(
    species="wild", ear="round", pale_muzzle=1.0, pale_chest=0.8, nose=(0.45, 0.25, 0.23), nose_size=1.25,
    muzzle_width=1.38, muzzle_length=0.35, face_width=1.05, eye_size=0.86,
)  # fmt: skip

BREEDS = {
    "ginger cat": _CAT._replace(
        base=_GINGER, second=(0.70, 0.35, 0.13), ears=_GINGER, eyes=(_GREEN, _AMBER), pattern="tabby",
        pale_muzzle=1.0, pale_chest=1.0,
    ),
    "silver tabby": _CAT._replace(
        base=(0.70, 0.70, 0.71), second=(0.25, 0.25, 0.28), ears=(0.70, 0.70, 0.71), eyes=(_GREEN,),
        pattern="tabby", pale_muzzle=0.7,
    ),
    "brown tabby": _CAT._replace(
        base=(0.62, 0.49, 0.35), second=(0.23, 0.16, 0.11), ears=(0.62, 0.49, 0.35), eyes=(_GREEN, _GOLD),
        pattern="tabby", pale=(0.92, 0.85, 0.75), pale_muzzle=0.8,
    ),
    "black cat": _CAT._replace(
        base=_BLACK, second=_BLACK, ears=_BLACK, eyes=(_GREEN, _GOLD), pale=_SOOT, pale_muzzle=0.8, nose=INK,
    ),
    "white cat": _CAT._replace(
        base=(0.95, 0.94, 0.92), second=WHITE, ears=(0.95, 0.94, 0.92), eyes=(_BLUE, _ICE), pale_muzzle=1.0,
        fluff=0.9,
    ),
    "tuxedo cat": _CAT._replace(
        base=_BLACK, second=_BLACK, ears=_BLACK, eyes=(_GREEN, _GOLD), pale_muzzle=1.0, pale_blaze=0.8,
        pale_chest=1.0,
    ),
    "siamese": _CAT._replace(
        base=(0.92, 0.86, 0.76), second=(0.27, 0.19, 0.15), ears=(0.27, 0.19, 0.15), eyes=(_BLUE,),
        pattern="points", nose=INK, ear_size=1.18,
    ),
    "calico": _CAT._replace(
        base=(0.95, 0.93, 0.89), second=(0.88, 0.54, 0.24), ears=(0.95, 0.93, 0.89), eyes=(_GREEN, _AMBER),
        pattern="calico", pale_muzzle=1.0, pale_chest=1.0,
    ),
    "blue cat": _CAT._replace(
        base=(0.50, 0.54, 0.60), second=(0.40, 0.44, 0.50), ears=(0.50, 0.54, 0.60), eyes=(_GOLD, _AMBER),
        nose=(0.33, 0.33, 0.38), ear_size=0.95, face_width=1.13,
    ),
    "golden retriever": _DOG._replace(
        base=(0.88, 0.68, 0.42), second=(0.75, 0.52, 0.28), ears=(0.76, 0.53, 0.29), pale=(0.97, 0.86, 0.68),
        pale_muzzle=0.6, pale_chest=0.6, fluff=0.7,
    ),
    "chocolate labrador": _DOG._replace(
        base=(0.44, 0.28, 0.18), second=(0.30, 0.20, 0.10), ears=(0.38, 0.23, 0.15), eyes=((0.62, 0.42, 0.18),),
        nose=(0.25, 0.14, 0.10),
    ),
    "beagle": _DOG._replace(
        base=(0.78, 0.50, 0.28), second=(0.20, 0.15, 0.12), ears=(0.60, 0.36, 0.19), pale_muzzle=1.0,
        pale_blaze=0.9, pale_chest=1.0, ear_size=1.1,
    ),
    "husky": _DOG._replace(
        base=(0.34, 0.36, 0.40), second=_BLACK, ears=(0.34, 0.36, 0.40), eyes=(_ICE,), pale_muzzle=1.0,
        pale_cheeks=1.0, pale_brows=1.0, pale_blaze=0.35, pale_chest=1.0, ear="pointed", muzzle_length=0.7,
        fluff=0.8,
    ),
    "shiba": _DOG._replace(
        base=(0.87, 0.55, 0.28), second=_GINGER, ears=(0.80, 0.47, 0.22), pale_muzzle=1.0, pale_cheeks=0.9,
        pale_brows=0.8, pale_chest=1.0, ear="pointed", ear_size=0.82, muzzle_length=0.5, face_width=1.06, fluff=0.6,
    ),
    "dalmatian": _DOG._replace(
        base=(0.95, 0.94, 0.92), second=(0.12, 0.11, 0.12), ears=(0.14, 0.12, 0.13), pattern="dots",
    ),
    "border collie": _DOG._replace(
        base=_BLACK, second=_BLACK, ears=_BLACK, eyes=(_BROWN, (0.60, 0.36, 0.14)), pale_muzzle=1.0, pale_blaze=0.9,
        pale_chest=1.0, ear="folded", fluff=0.8,
    ),
    "pug": _DOG._replace(
        base=(0.88, 0.74, 0.55), second=(0.19, 0.15, 0.14), ears=(0.17, 0.13, 0.13), pattern="muzzle",
        nose_size=1.05, ear="folded", ear_size=0.9, eye_size=1.28, muzzle_length=0.12, muzzle_width=1.3,
        face_width=1.08, fluff=0.15,
    ),
    "spaniel": _DOG._replace(
        base=(0.95, 0.92, 0.88), second=(0.58, 0.30, 0.15), ears=(0.52, 0.27, 0.13), pattern="patches",
        pale_muzzle=1.0, pale_chest=1.0, ear_size=1.2, fluff=0.7,
    ),
    "tiger": _WILD._replace(
        base=(0.93, 0.58, 0.22), second=(0.12, 0.08, 0.07), ears=(0.16, 0.11, 0.09), eyes=(_GOLD, _GREEN),
        pattern="tiger", pale_cheeks=0.9, pale_brows=1.0, nose=(0.80, 0.48, 0.44), fluff=0.7,
    ),
    "white tiger": _WILD._replace(
        base=(0.93, 0.92, 0.90), second=(0.16, 0.14, 0.14), ears=(0.20, 0.18, 0.18), eyes=(_ICE,), pattern="tiger",
        pale_cheeks=0.9, pale_brows=1.0, nose=(0.84, 0.55, 0.54), fluff=0.7,
    ),
    "lion": _WILD._replace(
        base=(0.86, 0.66, 0.40), second=(0.70, 0.50, 0.30), ears=(0.74, 0.52, 0.28), eyes=(_GOLD, _AMBER),
        pale=(0.96, 0.88, 0.74), muzzle_length=0.45, mane=1.0,
    ),
    "lioness": _WILD._replace(
        base=(0.86, 0.66, 0.41), second=(0.70, 0.50, 0.30), ears=(0.70, 0.50, 0.28), eyes=(_GOLD, _AMBER),
        pale=(0.96, 0.88, 0.74), pale_brows=0.5, muzzle_length=0.45,
    ),
    "leopard": _WILD._replace(
        base=(0.91, 0.71, 0.39), second=(0.19, 0.12, 0.08), ears=(0.20, 0.13, 0.09), eyes=(_GOLD, _GREEN),
        pattern="spots", pale_cheeks=0.4, pale_brows=0.6,
    ),
    "snow leopard": _WILD._replace(
        base=(0.84, 0.83, 0.82), second=(0.25, 0.24, 0.25), ears=(0.32, 0.31, 0.32),
        eyes=(_ICE, (0.72, 0.78, 0.62)), pattern="spots", pale_cheeks=0.6, nose=(0.72, 0.47, 0.45), fluff=0.9,
    ),
    "black panther": _WILD._replace(
        base=(0.19, 0.18, 0.21), second=(0.06, 0.06, 0.07), ears=(0.14, 0.13, 0.15), eyes=(_GOLD, _GREEN),
        pattern="spots", pale=_SOOT, pale_muzzle=0.8, nose=INK,
    ),
    "fox": _WILD._replace(
        base=(0.88, 0.44, 0.15), second=(0.70, 0.30, 0.10), ears=(0.16, 0.10, 0.09), eyes=(_AMBER, _GOLD),
        pale_cheeks=1.0, pale_chest=1.0, nose=INK, nose_size=0.95, ear="pointed", ear_size=1.2, eye_size=0.95,
        slit=0.6, muzzle_length=0.75, muzzle_width=0.85, face_width=0.97, fluff=1.0,
    ),
    "wolf": _WILD._replace(
        base=(0.48, 0.46, 0.45), second=(0.30, 0.30, 0.30), ears=(0.38, 0.34, 0.31), eyes=(_AMBER, _GOLD),
        pale=(0.92, 0.89, 0.84), pale_cheeks=0.9, pale_brows=0.7, nose=INK, ear="pointed", ear_size=0.92,
        muzzle_length=0.9, muzzle_width=1.08, fluff=1.0,
    ),
}  # fmt: skip
