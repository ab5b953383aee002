"""The zero price of a position: closing it there keeps the ratio of the account's equity to its requirement."""


def zero_price(long: bool, mark: int, weight: int, equity: int, requirement: int) -> int:
    """mark - sigma * equity * weight / requirement, sigma = 1 of a long position and -1 of a short one, rounded in the
    account's favour. requirement > 0, of the positions alone; weight: the initial requirement a lot.
    """
    sign = 1 if long else -1
    if equity >= 0:
        return mark - sign * (equity * weight // requirement)
    return mark + sign * -(equity * weight // requirement)
