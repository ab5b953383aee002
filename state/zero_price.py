"""The zero price: to close a position at it keeps the ratio of the account's equity to its requirement."""


def zero_price(equity: int, requirement: int, mark: int, weight: int, *, long: bool) -> int:
    """mark -+ equity * weight / requirement, rounded in the account's favour: quote base units a lot.

    equity, requirement (not 0): of the whole account, in quote base units; weight: requirement a lot.
    """
    share = equity * weight // requirement
    return mark - share if long else mark + share
