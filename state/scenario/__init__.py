"""Made-up days on a venue: a path of prices, and who trades on it."""
