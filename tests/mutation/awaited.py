"""Constraints that still await a forgery or an argument, by table; `make mutate` counts them as open."""

AWAITED: dict[str, frozenset[str]] = {
    "execution": frozenset(
        {
            "is_zero_market is boolean",
            "zero price: who closes",
            "zero_market: what is forced",
            "zero_market: long is boolean",
            "liquidate_limit: not bankrupt, and the order does not rest",
            "liquidate_limit: the order is reduce-only",
            "liquidate_limit: the order is of the account",
            "a swap is the last one",
            "zero_market leads to zero_price",
            "deleverage_rules leads to deleverage_event",
            "what leads to liquidate_limit",
            "what leads to swap_base",
            "what leads to swap_quote",
            "what leads to deleverage_venue",
            "what leads to deleverage_rules",
            "the first row is no zero_price",
            "the first row is no liquidate_limit",
            "the first row is no swap_quote",
            "the first row is no deleverage_header",
            "the first row is no deleverage_venue",
            "the first row is no deleverage_rules",
            "the first row is no deleverage_event",
            "the first row is no event_record",
            "the first row is no event_header",
        }
    ),
}
