"""What the sequencer takes for a signed price, and that the ledger sets no other."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from circuits.statement import Price
from state.errors import Refusal, Rule
from state.prices import PriceBook
from state.transitions.price import SetPrice
from tests.batches import BTC_PERP, ETH, default_venue
from tests.state.worlds import funded_ledger
from tests.verifier.toy_oracle import KEYS, toy_bundle, toy_check
from verifier.prices import Bundle

VENUE = replace(default_venue(), oracle=replace(default_venue().oracle, keys=KEYS))


def book(*bundles: Bundle) -> PriceBook:
    made = PriceBook(VENUE, toy_check)
    for bundle in bundles:
        made.add(bundle)
    return made


def test_a_signed_price_meets_no_objection_but_at_another_time() -> None:
    signed = book(toy_bundle(VENUE.id, 5, [(ETH, 7), (BTC_PERP, 8)]))
    assert signed.objection(ETH, 7, 5) is None
    assert signed.objection(BTC_PERP, 8, 5) is None
    for wrong in ((ETH, 7, 6), (ETH, 7, 4), (ETH, 8, 5), (BTC_PERP, 7, 5)):
        assert signed.objection(*wrong) == "no bundle of that time has this price"


@pytest.mark.parametrize(("bundle", "problem"), [
    (toy_bundle(VENUE.id, 5, [(ETH, 7)], (0, 1)), "too few signers: bundle of time 5: 2 signed, 3 of 4 must"),
    (toy_bundle(bytes(32), 5, [(ETH, 7)]), "invalid signature: bundle of time 5"),
    (replace(toy_bundle(VENUE.id, 5, [(ETH, 7)]), signers=1 << 4 | 3), "signer outside the committee"),
])  # fmt: skip
def test_what_is_wrong_with_the_bundle_is_said(bundle: Bundle, problem: str) -> None:
    objection = book(bundle).objection(ETH, 7, 5)
    assert objection is not None
    assert objection.startswith(problem)
    # Another bundle of the same price makes up for it.
    good = toy_bundle(VENUE.id, 5, [(ETH, 7)])
    mended = book(bundle, good)
    assert mended.objection(ETH, 7, 5) is None
    assert mended.bundles_for([Price(ETH, 0, 7, 5)]) == [good]


def test_each_bundle_is_checked_once_and_only_if_needed() -> None:
    asked = []

    def counting(keys: Sequence[bytes], message: bytes, signature: bytes) -> bool:
        asked.append(message)
        return toy_check(keys, message, signature)

    made = PriceBook(VENUE, counting)
    for time in (5, 6):
        made.add(toy_bundle(VENUE.id, time, [(ETH, 7), (BTC_PERP, 8)]))
    for _ in range(3):
        assert made.objection(ETH, 7, 5) is None
        assert made.objection(BTC_PERP, 8, 5) is None
    assert len(asked) == 1


def test_the_chosen_bundles_are_those_that_prices_rest_on_in_order() -> None:
    early, middle, late = (toy_bundle(VENUE.id, time, [(ETH, 7), (BTC_PERP, 8)]) for time in (5, 6, 7))
    chosen = book(late, middle, early).bundles_for([Price(BTC_PERP, 0, 8, 7), Price(ETH, 0, 7, 5), Price(ETH, 1, 7, 7)])
    assert chosen == [early, late]


def test_the_ledger_sets_signed_prices_only() -> None:
    ledger = funded_ledger()
    ledger.begin_batch(105, book(toy_bundle(VENUE.id, 105, [(ETH, 260_000)])))
    with pytest.raises(Refusal) as caught:
        ledger.apply(SetPrice(ETH, 260_001, 105))
    assert caught.value.rule == Rule.UNSIGNED_PRICE
    assert caught.value.values["instrument"] == "ETH"
    ledger.apply(SetPrice(ETH, 260_000, 105))
    statement, _ = ledger.close_batch()
    assert statement.prices == (Price(ETH, 0, 260_000, 105),)
