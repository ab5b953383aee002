"""The buses that join Solvent's tables, and the layout of their messages."""

from enum import IntEnum

from circuits.air import Bus

RANGE = Bus("range", 1, 1)  # a limb in [0, 2^LIMB_BITS)
MEMORY = Bus("memory", 2, 10)  # index, time, record (8)
TREE = Bus("tree", 3, 11)  # version, depth, index, digest (8)
MARGIN = Bus("margin", 4, 6)  # clock of the request, account, mask of open instruments, whether it fails, moment, tier
PUBLIC = Bus("public", 5, 9)  # kind, account, instrument, chain, sequence, amount limbs (4)

# Clock of the request, equity (biased) and requirement of the initial tier, cash without its sign, 4 limbs each, and 1
# if the cash is negative.
HEALTH = Bus("health", 6, 14)

BUSES = (RANGE, MEMORY, TREE, MARGIN, PUBLIC, HEALTH)


class Tier(IntEnum):
    """What share of the initial requirement a margin check asks for."""

    INITIAL = 0  # all of it
    MAINTENANCE = 1  # the venue's maintenance ratio: below it the account is liquidated
    CLOSE_OUT = 2  # the venue's close-out ratio: below it the account is taken over
    ZERO = 3  # nothing: the equity is not negative


class Capped(IntEnum):
    """Which capped marks a margin check takes for stale. So many times CAPPED_BIT are added to the moment that it asks
    for, at which prices are to be fresh: see `circuits.margin`."""

    FAVOURABLE = -1  # those in favour of the account: who must pass is not to be flattered
    ALL = 1
    ADVERSE = 2  # those against the account: nobody is seized by them


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
