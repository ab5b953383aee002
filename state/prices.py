"""The signed prices that a sequencer has: which bundle a price rests on, each checked once, when it is needed."""

from collections.abc import Iterable

from circuits.statement import Price
from state.venue import Venue
from verifier.prices import Bundle, PriceRejection, SignatureCheck, check_bundle, ordered


class PriceBook:
    """The bundles that came with a batch (state.memory.PriceOracle). check: that of state.oracle, or a test's."""

    def __init__(self, venue: Venue, check: SignatureCheck) -> None:
        self._venue, self._check = venue, check
        self._bundles: dict[int, list[Bundle]] = {}  # by time
        self._problems: dict[Bundle, str | None] = {}  # of those checked so far

    def add(self, bundle: Bundle) -> None:
        """Take a bundle; its signature is checked when a price rests on it."""
        self._bundles.setdefault(bundle.time, []).append(bundle)

    def objection(self, instrument: int, price: int, time: int) -> str | None:
        """See PriceOracle."""
        problem: str | None = "no bundle of that time has this price"
        for bundle in self._holding(instrument, price, time):
            problem = self._problem(bundle)
            if problem is None:
                return None
        return problem

    def bundles_for(self, prices: Iterable[Price]) -> list[Bundle]:
        """Signed bundles for all these prices, which have passed `objection`; in the order of a file of bundles."""
        chosen = set()
        for price in prices:
            holding = self._holding(price.instrument, price.price, price.time)
            chosen.add(next(bundle for bundle in holding if self._problem(bundle) is None))
        return ordered(chosen)

    def _holding(self, instrument: int, price: int, time: int) -> list[Bundle]:
        return [bundle for bundle in self._bundles.get(time, []) if (instrument, price) in bundle.prices]

    def _problem(self, bundle: Bundle) -> str | None:
        if bundle not in self._problems:
            try:
                check_bundle(self._venue.oracle, self._venue.id, bundle, self._check)
            except PriceRejection as rejection:
                self._problems[bundle] = str(rejection)
            else:
                self._problems[bundle] = None
        return self._problems[bundle]
