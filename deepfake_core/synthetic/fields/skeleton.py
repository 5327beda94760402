"""The animal's skeleton: joints with radii on rotating bones, seen from the side or at an angle.

Rest frame, in which coats are painted: an animal that faces right, x forward, y up, the ground at 0 and the withers at
1; z is to the viewer. A limb between two joints is a ball that rolls and shrinks from one to the other, and its outline
under a parallel projection is that of two discs, so a turned animal is drawn exactly from its projected joints.
"""

# Bone: parent, pivot. A parent stands before its children.
BONES: dict[str, tuple[str, float, float]] = {
    "trunk": ("", 0.0, 0.76),
    "neck low": ("trunk", 0.34, 0.83), "neck": ("neck low", 0.48, 1.00), "neck high": ("neck", 0.59, 1.15),
    "head": ("neck high", 0.69, 1.28),
    "tail": ("trunk", -0.50, 0.90), "tail middle": ("tail", -0.58, 0.72), "tail end": ("tail middle", -0.60, 0.50),
    "near arm": ("trunk", 0.36, 0.68), "near fore cannon": ("near arm", 0.315, 0.325),
    "near fore foot": ("near fore cannon", 0.310, 0.115),
    "far arm": ("trunk", 0.36, 0.68), "far fore cannon": ("far arm", 0.315, 0.325),
    "far fore foot": ("far fore cannon", 0.310, 0.115),
    "near thigh": ("trunk", -0.28, 0.76), "near shank": ("near thigh", -0.21, 0.56),
    "near hind cannon": ("near shank", -0.415, 0.345), "near hind foot": ("near hind cannon", -0.390, 0.120),
    "far thigh": ("trunk", -0.28, 0.76), "far shank": ("far thigh", -0.21, 0.56),
    "far hind cannon": ("far shank", -0.415, 0.345), "far hind foot": ("far hind cannon", -0.390, 0.120),
}  # fmt: skip

Joint = tuple[str, float, float, float]  # bone, x, y, radius
_TRUNK: dict[str, Joint] = {
    "buttock": ("trunk", -0.385, 0.790, 0.130), "croup": ("trunk", -0.260, 0.790, 0.178),
    "loin": ("trunk", -0.060, 0.765, 0.172), "barrel": ("trunk", 0.110, 0.735, 0.196),
    "girth": ("trunk", 0.260, 0.740, 0.198), "chest": ("trunk", 0.375, 0.745, 0.135),
    "back": ("trunk", 0.060, 0.870, 0.060), "withers": ("trunk", 0.235, 0.915, 0.070),
    "neck base": ("neck low", 0.340, 0.830, 0.150), "neck 1": ("neck", 0.480, 1.000, 0.112),
    "neck 2": ("neck high", 0.590, 1.150, 0.083), "throat": ("neck high", 0.675, 1.255, 0.074),
    "cranium": ("head", 0.705, 1.275, 0.070), "face": ("head", 0.775, 1.205, 0.068),
    "nose": ("head", 0.880, 1.080, 0.046), "muzzle": ("head", 0.930, 1.010, 0.043),
    "jowl": ("head", 0.742, 1.185, 0.060), "chin": ("head", 0.895, 1.010, 0.028),
}  # fmt: skip
_FORE: dict[str, Joint] = {
    "shoulder": ("arm", 0.360, 0.680, 0.105), "elbow": ("arm", 0.305, 0.560, 0.076),
    "knee": ("arm", 0.315, 0.325, 0.036), "fore cannon": ("fore cannon", 0.313, 0.240, 0.022),
    "fore fetlock": ("fore cannon", 0.310, 0.115, 0.027), "fore coronet": ("fore foot", 0.338, 0.052, 0.024),
    "fore heel": ("fore foot", 0.327, 0.024, 0.022), "fore toe": ("fore foot", 0.368, 0.022, 0.022),
}  # fmt: skip
_HIND: dict[str, Joint] = {
    "hip": ("thigh", -0.310, 0.740, 0.155), "stifle": ("thigh", -0.215, 0.570, 0.105),
    "ham": ("thigh", -0.375, 0.640, 0.110), "gaskin": ("shank", -0.310, 0.460, 0.066),
    "hock": ("hind cannon", -0.412, 0.345, 0.034), "hind cannon": ("hind cannon", -0.405, 0.250, 0.026),
    "hind fetlock": ("hind cannon", -0.390, 0.120, 0.028), "hind coronet": ("hind foot", -0.360, 0.054, 0.025),
    "hind heel": ("hind foot", -0.372, 0.024, 0.022), "hind toe": ("hind foot", -0.330, 0.022, 0.022),
}  # fmt: skip
_TRUNK_LIMBS = (
    ("buttock", "croup"), ("croup", "loin"), ("loin", "barrel"), ("barrel", "girth"), ("girth", "chest"),
    ("back", "withers"), ("withers", "neck base"), ("chest", "neck base"), ("neck base", "neck 1"),
    ("neck 1", "neck 2"), ("neck 2", "throat"), ("cranium", "face"), ("face", "nose"), ("nose", "muzzle"),
    ("jowl", "chin"), ("throat", "jowl"),
)  # fmt: skip
_LEG_LIMBS = (
    ("shoulder", "elbow"), ("elbow", "knee"), ("knee", "fore cannon"), ("fore cannon", "fore fetlock"),
    ("fore fetlock", "fore coronet"), ("fore heel", "fore toe"), ("fore coronet", "fore toe"),
    ("hip", "stifle"), ("hip", "ham"), ("ham", "gaskin"), ("stifle", "gaskin"), ("gaskin", "hock"),
    ("hock", "hind cannon"), ("hind cannon", "hind fetlock"), ("hind fetlock", "hind coronet"),
    ("hind heel", "hind toe"), ("hind coronet", "hind toe"),
)  # fmt: skip
_HAIR: dict[str, Joint] = {
    "mane 0": ("trunk", 0.320, 0.935, 0.030), "mane 1": ("neck low", 0.408, 0.985, 0.062),
    "mane 2": ("neck", 0.505, 1.095, 0.070), "mane 3": ("neck high", 0.590, 1.215, 0.066),
    "mane 4": ("head", 0.655, 1.315, 0.050), "mane 5": ("head", 0.742, 1.310, 0.022),
    "tail 0": ("tail", -0.480, 0.880, 0.026), "tail 1": ("tail", -0.552, 0.780, 0.038),
    "tail 2": ("tail middle", -0.588, 0.610, 0.060), "tail 3": ("tail end", -0.600, 0.420, 0.058),
    "tail 4": ("tail end", -0.590, 0.250, 0.030),
    "crest 0": ("trunk", 0.250, 0.970, 0.022), "crest 1": ("neck low", 0.395, 1.070, 0.060),
    "crest 2": ("neck", 0.480, 1.168, 0.070), "crest 3": ("neck high", 0.568, 1.292, 0.068),
    "crest 4": ("head", 0.650, 1.385, 0.052), "crest 5": ("head", 0.712, 1.372, 0.024),
    "dock 0": ("tail", -0.490, 0.895, 0.026), "dock 1": ("tail", -0.555, 0.770, 0.018),
    "dock 2": ("tail middle", -0.580, 0.610, 0.014), "dock 3": ("tail end", -0.590, 0.480, 0.034),
    "dock 4": ("tail end", -0.590, 0.330, 0.012),
}  # fmt: skip
FORE_WIDE, HIND_WIDE, EAR_WIDE = 0.10, 0.11, 0.035


def _sided(side: str, sign: float) -> dict[str, tuple[str, float, float, float, float]]:
    legs = {name: (joint, FORE_WIDE) for name, joint in _FORE.items()}
    legs |= {name: (joint, HIND_WIDE) for name, joint in _HIND.items()}
    joints = {
        f"{side} {name}": (f"{side} {bone}", x, y, sign * wide, radius)
        for name, ((bone, x, y, radius), wide) in legs.items()
    }
    ears = {"ear": (0.668, 1.335, 0.022), "ear middle": (0.672, 1.395, 0.027), "ear tip": (0.694, 1.470, 0.003)}
    return joints | {f"{side} {name}": ("head", x, y, sign * EAR_WIDE, r) for name, (x, y, r) in ears.items()}


def _flat(joints: dict[str, Joint]) -> dict[str, tuple[str, float, float, float, float]]:
    return {name: (bone, x, y, 0.0, radius) for name, (bone, x, y, radius) in joints.items()}


# Bone, x, y, z, radius.
JOINTS = _flat(_TRUNK) | _flat(_HAIR) | _sided("near", 1.0) | _sided("far", -1.0)


def _of(side: str) -> tuple[tuple[str, str], ...]:
    return tuple((f"{side} {a}", f"{side} {b}") for a, b in _LEG_LIMBS)


def _ear(side: str) -> tuple[tuple[str, str], ...]:
    return ((f"{side} ear", f"{side} ear middle"), (f"{side} ear middle", f"{side} ear tip"))


def _row(name: str) -> tuple[tuple[str, str], ...]:
    count = sum(joint.startswith(f"{name} ") for joint in JOINTS)
    return tuple((f"{name} {i}", f"{name} {i + 1}") for i in range(count - 1))


# The parts of an animal, each a soft union of limbs between two joints, from back to front. A horse's hair hangs, a
# zebra's mane stands and its tail is thin: of `tail` and `dock`, `mane` and `crest`, each species has one.
PARTS: dict[str, tuple[tuple[str, str], ...]] = {
    "far legs": (*_of("far"), *_ear("far")),
    "tail": _row("tail"),
    "dock": _row("dock"),
    "body": (*_TRUNK_LIMBS, *_of("near"), *_ear("near")),
    "mane": _row("mane"),
    "crest": _row("crest"),
}
HORSE_ONLY, ZEBRA_ONLY = ("tail", "mane"), ("dock", "crest")
