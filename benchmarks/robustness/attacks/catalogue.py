"""All attacks; a new family is one line here."""

from benchmarks.robustness.attacks import (
    bodies,
    clips,
    commands,
    connections,
    evasion,
    held,
    numbers,
    paths,
    programs,
    queues,
    shutdown,
    sites,
)
from benchmarks.robustness.attacks.record import Attack

FAMILIES = (paths, queues, numbers, bodies, clips, connections, sites, shutdown, commands, evasion, held, programs)
ATTACKS: tuple[Attack, ...] = tuple(attack for family in FAMILIES for attack in family.ATTACKS)
