"""The buses that join Solvent's tables, and the layout of their messages."""

from enum import IntEnum

from circuits.air import Bus

RANGE = Bus("range", 1, 1)  # a limb in [0, 2^LIMB_BITS)
MEMORY = Bus("memory", 2, 10)  # index, time, record (8)
TREE = Bus("tree", 3, 11)  # version, depth, index, digest (8)
MARGIN = Bus("margin", 4, 5)  # clock of the request, account, mask of open instruments, whether it fails, moment
PUBLIC = Bus("public", 5, 9)  # kind, account, instrument, chain, sequence, amount limbs (4)

BUSES = (RANGE, MEMORY, TREE, MARGIN, PUBLIC)


class Version(IntEnum):
    """Whose digest a tree message carries; SIBLING: of a subtree that the batch does not touch, the same in both."""

    OLD = 0
    NEW = 1
    SIBLING = 2


class Public(IntEnum):
    """The kind of a public message."""

    DEPOSIT = 1
    WITHDRAWAL = 2
    PRICE = 3
    BATCH = 4
    VAULT = 5
    TOTAL = 6
    FUND = 7
    SET = 8
    ANNOUNCE = 9
    ENACT = 10
    SETTLE = 11
