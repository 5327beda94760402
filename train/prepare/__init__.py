"""`python -m train prepare`: data that takes long to make, made once and kept in a folder.

portraits CHECKOUT -o DIR    cut the portraits of a checkout to canvases, with a table and a report
puppets DIR -o POOL          move those portraits, and keep pictures and truth as a pool of pairs
heads -o POOL                draw heads into a pool of the same kind
"""

import argparse
import logging
from collections.abc import Sequence
from pathlib import Path

logger = logging.getLogger("train")


def main(arguments: Sequence[str]) -> None:
    """Make what was asked for."""
    options = argparse.ArgumentParser(prog="python -m train prepare", description="Make data for training.")
    kinds = options.add_subparsers(dest="kind", required=True)
    portraits = kinds.add_parser("portraits", help="cut real portraits out of a checkout of photographs")
    portraits.add_argument("checkout", type=Path, help="a folder with members.csv or portraits.csv")
    portraits.add_argument("--legislators", type=Path, nargs="*", default=[], metavar="CSV", help="tables with the sex")
    puppets = kinds.add_parser("puppets", help="move prepared portraits")
    puppets.add_argument("folder", type=Path, help="what 'prepare portraits' wrote")
    puppets.add_argument(
        "--held-out", action="store_true", help="the people kept for measuring, not those to learn from"
    )
    heads = kinds.add_parser("heads", help="draw heads")
    for kind in (portraits, puppets, heads):
        kind.add_argument("-o", "--out", type=Path, required=True, metavar="DIR", help="where to write")
    for kind, count in ((puppets, 0), (heads, 1400)):
        kind.add_argument("--count", type=int, default=count, metavar="N", help=f"how many (default: {count or 'all'})")
        kind.add_argument("--states", type=int, default=4, metavar="M", help="states of each (default: 4)")
        kind.add_argument("--seed", type=int, default=0, help="other seeds give other states (default: 0)")
    asked = options.parse_args(arguments)
    if asked.kind == "portraits":
        from train.prepare.portraits import prepare_portraits

        logger.info(prepare_portraits(asked.checkout, asked.out, asked.legislators))
    else:
        from train.prepare.rows import draw_heads, draw_puppets

        if asked.kind == "puppets":
            draw_puppets(asked.folder, asked.out, asked.count, asked.states, asked.seed, held_out=asked.held_out)
        else:
            draw_heads(asked.out, asked.count, asked.states, asked.seed)
