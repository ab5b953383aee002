"""Every bound, unit and rounding direction, in one place; the ledger and the tables both read it.

Units. Quote and collateral amounts: base units of the asset (USDC: 10^-6). Position sizes: lots. Prices and marks:
quote base units per lot, so size * price is exact. Time: seconds since the venue's epoch. Margin fractions and
haircuts: 1 / FRACTION_ONE. Ratios of requirements and the borrow fraction: 1 / RATIO_ONE. Fees: 1 / FEE_ONE.

Rounding. Fees round up, to the fee account. An initial-margin requirement per lot rounds up; a collateral value per lot
rounds down, and only whole lots of a collateral asset count. The final comparison of equity with requirement is exact.
"""

LIMB_BITS = 14  # products of two limbs, summed four times, stay below P
LIMB = 1 << LIMB_BITS
AMOUNT_LIMBS = 4
AMOUNT_BITS = LIMB_BITS * AMOUNT_LIMBS
BIAS = 1 << (AMOUNT_BITS - 1)  # a signed amount a is stored as the limbs of a + BIAS, 0 <= a + BIAS < 2^AMOUNT_BITS
BIAS_TOP_LIMB = BIAS >> (LIMB_BITS * (AMOUNT_LIMBS - 1))
AMOUNT_MAX = BIAS - 1  # of a deposit, withdrawal, transfer, vault or notional
PRICE_BITS = 2 * LIMB_BITS
PRICE_MAX = (1 << PRICE_BITS) - 1
# lots, of a fill and of a position or collateral holding that a margin check reads
SIZE_MAX = (1 << (2 * LIMB_BITS)) - 1
TIME_MAX = (1 << (2 * LIMB_BITS)) - 1
# Is added to the last second of a mark that was kept from reaching its price: once if that is above, twice if below.
CAPPED_BIT = TIME_MAX + 1
STALENESS_MAX = (1 << 20) - 1  # seconds for which a price may be relied on
COUNTER_MAX = (1 << (2 * LIMB_BITS)) - 1  # nonces, deposit and withdrawal numbers, batches

FRACTION_ONE = 10_000  # < LIMB
GROWTH_MAX = FRACTION_ONE  # of a margin fraction, for each LIMB lots of open interest; the first then make it 1
FAIR_SHARE = 4  # a fill is fair to a party that loses at most 1 / FAIR_SHARE of a lot's requirement against the mark
FEE_ONE = 1_000_000
FEE_MAX = (1 << 13) - 1  # keeps the carries of the fee division inside one limb
LIQUIDATION_FEE_MAX = FEE_ONE // 100  # of a liquidation, to the insurance fund; those carries hold it too
FEE_LIMBS = 3
FEE_AMOUNT_MAX = (1 << (LIMB_BITS * FEE_LIMBS)) - 1  # quote base units, of the fee of one party to one fill
LOT_UNITS_MAX = LIMB - 1  # base units of a collateral asset in one lot

MAX_ORDERS = 1 << (2 * LIMB_BITS)  # resting orders of the venue
ACCOUNT_ORDERS = 256  # resting orders of an account
ACCOUNT_INSTRUMENTS = 16  # open instruments of an account: what a margin check visits
LIMIT_MAX = PRICE_MAX - 1  # of an order; PRICE_MAX and 0 are the prices of sentinels

TREE_DEPTH = 30  # leaf indices stay below 2^30 < P: one field element, and doubling it on the way down never wraps
ACCOUNT_SLOTS = 32
MAX_ACCOUNTS = 1 << 23
MAX_INSTRUMENTS = 28  # the set of open instruments is a bit mask below 2^28
MAX_CHAINS = 256
TRANSIT = MAX_CHAINS - 1  # no chain: the number under which vaults hold what is on its way from one chain to another
CAP_UNIT = 1 << (2 * LIMB_BITS)  # base units in which caps of deposits count
CAP_MAX = (AMOUNT_MAX + 1) // CAP_UNIT
TIMES_PER_CLOCK = 64  # memory times of one execution row: its own access at 64 * clock, its margin visits after it
RATIO_ONE = 1_000  # of the ratios in the quote's market record
# With RATIO_ONE these are few enough for the carries of the final margin comparison to fit one limb.
BORROW_MAX = RATIO_ONE
ZERO_SHARE = 2  # a zero price is at most 1 / ZERO_SHARE of a lot's requirement from the mark: who is healthy has that
MAINTENANCE_MIN = RATIO_ONE // ZERO_SHARE  # of the initial requirement; close-out requires less than that
CONVERSION_DISCOUNT = 50  # a conversion pays at least the mark less mark / CONVERSION_DISCOUNT, rounded down
FUNDING_ONE = 16  # funding indices count 1 / FUNDING_ONE quote base units a lot
FUNDING_START = 1 << (2 * LIMB_BITS - 1)  # the index at genesis, half-way
FUNDING_MAX = (1 << (2 * LIMB_BITS)) - 1  # of an index
FUNDING_INTERVAL = 3600  # seconds between applications, at least, and from one to the last sample, at most
SAMPLE_TIME = 60  # seconds between samples, at least
# An hour's average premium is paid to an eighth; there are 60 samples: FUNDING_ONE / (60 * 8) = 1 / 30.
FUNDING_DIVISOR = FUNDING_INTERVAL // SAMPLE_TIME * 8 // FUNDING_ONE
PREMIUM_LIMBS = 3  # of a sum of premiums, stored with a bias
PREMIUM_BIAS = 1 << (LIMB_BITS * PREMIUM_LIMBS - 1)
MAX_EVENTS = (1 << 20) - 1  # deleveragings of the venue
