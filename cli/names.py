"""What a venue calls the things that a statement numbers."""

from circuits.bounds import TRANSIT
from state.backing import IN_TRANSIT
from state.venue import Venue


class VenueNames:
    """verifier.text.Names of a venue: names, and decimal amounts."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue

    def chain(self, number: int) -> str:
        """See Names."""
        return IN_TRANSIT if number == TRANSIT else self._venue.chains[number]

    def instrument(self, number: int) -> str:
        """See Names."""
        instruments = self._venue.instruments  # an act may be about one that the venue does not have
        return instruments[number].name if number < len(instruments) else f"instrument {number}"

    def amount(self, instrument: int, units: int) -> str:
        """See Names; in wholes."""
        return self._venue.instruments[instrument].format_units(units)

    def price(self, instrument: int, price: int) -> str:
        """See Names; in quote per whole."""
        return self._venue.instruments[instrument].format_price(price)
