"""Registers and ports of TAKE_OVER, TAKE and TAKEN transitions, and of the insurance fund's check."""

import numpy as np

from circuits.bounds import AMOUNT_LIMBS, BIAS_TOP_LIMB
from circuits.buses import Capped, Tier
from circuits.records import HEADER_MASK, TAG, SystemAccount, Tag
from circuits.steps import Kind
from circuits.transitions.take_over import GAP_PORT, MORE, PERPETUAL, REMAINING
from prover.traces.columns import Integers, long_position
from prover.traces.execution import ExecutionTrace


def fill(trace: ExecutionTrace) -> None:
    """The account's check, its balances, and the fund's check."""
    header = trace.rows(Kind.TAKE_OVER)[0]
    mask = trace.new[HEADER_MASK][header]
    trace.registers(Kind.TAKE_OVER, account=trace.argument(Kind.TAKE_OVER, "account"), **{REMAINING: mask})
    trace.header(header, None, [header])
    trace.ask(header, Tier.CLOSE_OUT, fails=1)
    _balances(trace)
    fund(trace, trace.rows(Kind.TAKEN)[0], 0)


def fund(trace: ExecutionTrace, rows: Integers, fails: Integers | int) -> None:
    """The insurance fund's check, and whether it fails."""
    trace.register("account", rows, int(SystemAccount.INSURANCE))
    trace.header(rows, None, [rows])
    trace.ask(rows, Tier.ZERO, fails, capped=Capped.FAVOURABLE)


def _balances(trace: ExecutionTrace) -> None:
    kind = Kind.TAKE
    rows = trace.rows(kind)
    market, base, fund_base, rules = rows
    account, instrument, remaining = (trace.argument(kind, name) for name in ("account", "instrument", "remaining"))
    amount = trace.old[:AMOUNT_LIMBS, base]
    bias = np.array([0] * (AMOUNT_LIMBS - 1) + [BIAS_TOP_LIMB])
    left = remaining - (1 << instrument)
    perpetual = (trace.old[TAG][market] == int(Tag.PERPETUAL)).astype(np.int64)
    trace.registers(
        kind, account=account, instrument=instrument, **{MORE: left > 0, PERPETUAL: perpetual},
        **{f"amount{k}": part for k, part in enumerate(amount)},
    )  # fmt: skip
    trace.register(REMAINING, market, remaining)
    for row in rows[1:]:
        trace.register(REMAINING, row, left)
    trace.port(GAP_PORT, market, _passed(account, instrument, remaining))
    trace.change(fund_base, list(amount - bias[:, None]))
    counted = -long_position(trace.old[:AMOUNT_LIMBS, base])
    trace.register("interest", fund_base, counted)
    held = (trace.new[:AMOUNT_LIMBS, fund_base], trace.old[:AMOUNT_LIMBS, fund_base])
    trace.register("interest", rules, counted + long_position(held[0]) - long_position(held[1]))


def _passed(account: Integers, instrument: Integers, remaining: Integers) -> Integers:
    """How many instruments lie between this one and the one before of the same takeover, of which each knows what
    remained before it."""
    gaps = np.zeros_like(instrument)
    gaps[1:] = instrument[1:] - instrument[:-1] - 1
    follows = np.zeros(len(instrument), dtype=bool)
    follows[1:] = (account[1:] == account[:-1]) & (remaining[1:] == remaining[:-1] - (1 << instrument[:-1]))
    return np.where(follows, gaps, 0)
