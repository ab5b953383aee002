"""The records of a new venue: system accounts, empty vaults, markets at their initial prices."""

from circuits.bounds import CAP_MAX, FUNDING_START, TRANSIT
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
    funding_index,
    header_index,
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
from state.funding import funding_record
from state.transitions.price import market_record
from state.venue import Instrument, Venue

# Where positions go that are cashed out, taken over, or closed against all others pro rata.
POSITION_HOLDERS = (SystemAccount.FUNDING_POOL, SystemAccount.INSURANCE, SystemAccount.ROUNDING)


def genesis_records(venue: Venue) -> dict[int, Record]:
    """Every record of the venue's first state, by leaf index."""
    records = {VENUE_INDEX: record(Tag.VENUE, FIRST_TRADER, 0, 0, 0, venue.notice)}
    for chain in range(len(venue.chains)):
        records[chain_index(chain)] = record(Tag.CHAIN, 0, 0, ChainStatus.ACTIVE)
    for chain in (*range(len(venue.chains)), TRANSIT):
        records |= {vault_index(chain, asset.number): vault_record(0, CAP_MAX) for asset in venue.collateral}
    records |= {total_index(asset.number): total_record(0, asset.number) for asset in venue.collateral}
    for instrument in venue.instruments:
        records |= _rules_records(instrument)
        records |= _quote_records(venue) if instrument.tag == Tag.QUOTE else _instrument_records(instrument)
    for market in venue.markets:
        records |= sentinel_records(market.number)
    for account in SystemAccount:
        held = venue.instruments if account in POSITION_HOLDERS else venue.collateral
        records[header_index(account)] = header_record(Role.SYSTEM, 0, sum(1 << i.number for i in held))
        for instrument in held:
            funding = FUNDING_START if instrument.tag == Tag.PERPETUAL else 0
            records[balance_index(account, instrument.number)] = balance_record(0, funding=funding)
    return records


def _quote_records(venue: Venue) -> dict[int, Record]:
    ratios = venue.maintenance, venue.close_out, venue.borrow_fraction, venue.borrow_cap
    return {market_index(venue.quote.number): record(Tag.QUOTE, 1 << venue.quote.number, 1, *ratios)}


def _instrument_records(instrument: Instrument) -> dict[int, Record]:
    number, bit = instrument.number, 1 << instrument.number
    fraction, staleness = instrument.fraction, instrument.staleness
    units = FUNDING_START if instrument.tag == Tag.PERPETUAL else instrument.lot_units
    market = market_record(instrument.tag, bit, units, instrument.initial_price, fraction, valid=staleness)
    return {
        market_index(number): market,
        parameters_index(number): record(Tag.PARAMETERS, fraction, 0, 0, staleness, instrument.step_time),
    }


def _rules_records(instrument: Instrument) -> dict[int, Record]:
    if instrument.tag != Tag.PERPETUAL:
        return {}
    fees = instrument.maker_fee, instrument.taker_fee
    interest = 0, instrument.interest_cap, instrument.margin_growth
    rules = record(Tag.RULES, Status.ACTIVE, *fees, instrument.minimum_notional, *interest)
    funding = funding_record(0, 0, 0, instrument.impact)
    return {rules_index(instrument.number): rules, funding_index(instrument.number): funding}
