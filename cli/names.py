"""What a venue calls the things that a statement numbers."""

from state.venue import Venue


class VenueNames:
    """verifier.text.Names of a venue: names, and decimal amounts."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue

    def chain(self, number: int) -> str:
        """See Names."""
        return self._venue.chains[number]

    def instrument(self, number: int) -> str:
        """See Names."""
        return self._venue.instruments[number].name

    def amount(self, instrument: int, units: int) -> str:
        """See Names; in wholes."""
        return self._venue.instruments[instrument].format_units(units)

    def price(self, instrument: int, price: int) -> str:
        """See Names; in quote per whole."""
        return self._venue.instruments[instrument].format_price(price)
