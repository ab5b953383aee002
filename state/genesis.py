"""The records of a new venue: system accounts, empty vaults, markets at their initial prices."""

from circuits.bounds import CAP_MAX, TRANSIT
from circuits.records import (
    FIRST_TRADER,
    VENUE_INDEX,
    ChainStatus,
    Record,
    Role,
    Status,
    SystemAccount,
    Tag,
    balance_index,
    chain_index,
    header_index,
    limbs,
    market_index,
    parameters_index,
    record,
    rules_index,
    total_index,
    vault_index,
)
from state.accounts import balance_record, header_record
from state.backing import total_record, vault_record
from state.book import sentinel_records
from state.transitions.price import market_record
from state.venue import Instrument, Venue


def genesis_records(venue: Venue) -> dict[int, Record]:
    """Every record of the venue's first state, by leaf index."""
    records = {VENUE_INDEX: record(Tag.VENUE, FIRST_TRADER, 0, 0, 0, venue.notice)}
    for chain in range(len(venue.chains)):
        records[chain_index(chain)] = record(Tag.CHAIN, 0, 0, ChainStatus.ACTIVE)
    for chain in (*range(len(venue.chains)), TRANSIT):
        records |= {vault_index(chain, asset.number): vault_record(0, CAP_MAX) for asset in venue.collateral}
    records |= {total_index(asset.number): total_record(0, asset.number) for asset in venue.collateral}
    for instrument in venue.instruments:
        records |= _instrument_records(instrument, venue.borrow_fraction)
    for market in venue.markets:
        records |= sentinel_records(market.number)
    for account in SystemAccount:
        # Positions that are cashed out go to the funding pool.
        held = venue.instruments if account == SystemAccount.FUNDING_POOL else venue.collateral
        records[header_index(account)] = header_record(Role.SYSTEM, 0, sum(1 << i.number for i in held))
        records |= {balance_index(account, i.number): balance_record(0) for i in held}
    return records


def _instrument_records(instrument: Instrument, borrow_fraction: int) -> dict[int, Record]:
    number, bit = instrument.number, 1 << instrument.number
    if instrument.tag == Tag.QUOTE:
        return {market_index(number): record(Tag.QUOTE, bit, 1, 0, 0, *limbs(borrow_fraction, 2), 0)}
    fraction, staleness = instrument.fraction, instrument.staleness
    market = market_record(
        instrument.tag, bit, instrument.lot_units, instrument.initial_price, fraction, valid=staleness
    )  # fmt: skip
    return {
        market_index(number): market,
        parameters_index(number): record(Tag.PARAMETERS, fraction, 0, 0, staleness, instrument.step_time),
        **_rules_records(instrument),
    }


def _rules_records(instrument: Instrument) -> dict[int, Record]:
    if instrument.tag != Tag.PERPETUAL:
        return {}
    fees = instrument.maker_fee, instrument.taker_fee
    interest = 0, instrument.interest_cap, instrument.margin_growth
    rules = record(Tag.RULES, Status.ACTIVE, *fees, instrument.minimum_notional, *interest)
    return {rules_index(instrument.number): rules}
