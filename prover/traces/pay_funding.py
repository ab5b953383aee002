"""Registers and ports of PAY_FUNDING transitions."""

from circuits.records import MARKET_FUNDING, SystemAccount
from circuits.steps import Kind
from circuits.swap import FUNDING, GIVES, OTHER
from circuits.transitions.pay_funding import ACCOUNT_PORT, ACCOUNT_SHIFT, SHIFTED_PORT
from prover.traces import payment
from prover.traces.columns import limbs_of
from prover.traces.execution import ExecutionTrace


def fill(trace: ExecutionTrace) -> None:
    """The market's index, and what is due."""
    kind = Kind.PAY_FUNDING
    market, base, quote, other_quote = trace.rows(kind)
    account = trace.argument(kind, "account")
    trace.registers(kind, account=account, instrument=trace.argument(kind, "market"))
    trace.registers(kind, **{OTHER: int(SystemAccount.FUNDING_POOL)})
    trace.wide_port(ACCOUNT_PORT, market, account)
    trace.port(SHIFTED_PORT, market, limbs_of(account, 2)[1] * ACCOUNT_SHIFT)
    payment.fill(trace, (base, quote, other_quote))
    trace.register(FUNDING, market, trace.old[MARKET_FUNDING][market])
    for name in (GIVES, *(f"amount{k}" for k in range(4))):
        trace.register(name, market, trace.columns[name][base])
