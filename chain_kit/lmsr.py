"""The house's scoring rule to the last unit: what `LmsrMath.sol` answers, this answers too.

Amounts and `b` are base units, prices 1e18 fixed point. The exponential and the logarithm are those of
Solady's FixedPointMathLib (MIT), by Remco Bloemen, on whose rounding the contract's last digits rest; the
comments there say how they were found.
"""

from __future__ import annotations

__all__ = ["WAD", "amount_down", "exp_wad", "ln_wad", "opening_shares_up", "price_e18", "shares_down"]

WAD = 10**18
_LN2_UP = 693147180559945310
_ULP = 2
_EXPONENT_MAX = 42 * WAD
_EXP_ZERO = -41446531673892822313
_EXP_OVERFLOW = 135305999368893231589
_LN2_96 = 54916777467707473351141471128


def opening_shares_up(b: int) -> int:
    """Shares of each side with which the house opens: its worst loss, b·ln 2."""
    return -(-b * _LN2_UP // WAD)


def shares_down(b: int, own: int, other: int, amount: int) -> int:
    """Shares of one side that `amount`, its fee taken off, buys; 0 if it is too small for one.

    `own` and `other` are what the house holds of the side bought and of the other.
    """
    least = min(own, other)
    level = _exp_down(own - least, b) + _exp_down(other - least, b)
    spent = _exp_up(other - least + amount, b)
    if spent >= level:
        return 0
    log = ln_wad(level - spent) - _ULP
    # Rounded up, whatever the sign of the logarithm.
    kept = max(0, least - b * log // WAD)
    return max(0, own + amount - kept)


def amount_down(b: int, own: int, other: int, shares: int) -> int:
    """Collateral that the house pays for `shares` of one side, before its fee."""
    least = min(own, other)
    other_term = other - least
    level = _exp_down(own - least, b) + _exp_down(other_term, b)
    after = _exp_up(own - least + shares, b) + _exp_up(other_term, b)
    if after >= level:
        return 0
    log = ln_wad(level * WAD // after) - _ULP
    return 0 if log <= 0 else min(b * log // WAD, shares)


def price_e18(b: int, own: int, other: int) -> int:
    """Price of a share of the `own` side; the other side's is 1e18 less this."""
    least = min(own, other)
    own_term, other_term = _exp(own - least, b), _exp(other - least, b)
    return own_term * WAD // (own_term + other_term)


def _exp_down(x: int, b: int) -> int:
    return WAD if x == 0 else max(0, _exp_of(-(-x * WAD // b)) - _ULP)


def _exp_up(x: int, b: int) -> int:
    return min(_exp(x, b) + _ULP, WAD)


def _exp(x: int, b: int) -> int:
    return _exp_of(x * WAD // b)


def _exp_of(exponent: int) -> int:
    return 0 if exponent >= _EXPONENT_MAX else exp_wad(-exponent)


def exp_wad(x: int) -> int:
    """e^x, both 1e18 fixed point. Raises OverflowError where a word does not hold it."""
    if x <= _EXP_ZERO:
        return 0
    if x >= _EXP_OVERFLOW:
        raise OverflowError(f"e to the {x} / 1e18 does not fit into 256 bits")
    x = _quotient(x << 78, 5**18)
    k = (_quotient(x << 96, _LN2_96) + 2**95) >> 96
    x -= k * _LN2_96
    y = x + 1346386616545796478920950773328
    y = ((y * x) >> 96) + 57155421227552351082224309758442
    p = y + x - 94201549194550492254356042504812
    p = ((p * y) >> 96) + 28719021644029726153956944680412240
    p = p * x + (4385272521454847904659076985693276 << 96)
    q = x - 2855989394907223263936484059900
    for term in (
        50020603652535783019961831881945,
        -533845033583426703283633433725380,
        3604857256930695427073651918091429,
        -14423608567350463180887362972807573,
        26449188498355588339934803723976023,
    ):
        q = ((q * x) >> 96) + term
    return (_quotient(p, q) * 3822833074963236453042738258902158003155416615667) >> (195 - k)


def ln_wad(x: int) -> int:
    """ln x, both 1e18 fixed point. Raises ValueError unless x is above zero."""
    if x <= 0:
        raise ValueError(f"no logarithm of {x}")
    k = x.bit_length() - 97
    x = (x << (159 - k)) >> 159
    p = x + 3273285459638523848632254066296
    for term in (24828157081833163892658089445524, 43456485725739037958740375743393):
        p = ((p * x) >> 96) + term
    for term in (
        11111509109440967052023855526967,
        45023709667254063763336534515857,
        14706773417378608786704636184526,
    ):
        p = ((p * x) >> 96) - term
    p = p * x - (795164235651350426258249787498 << 96)
    q = x + 5573035233440673466300451813936
    for term in (
        71694874799317883764090561454958,
        283447036172924575727196451306956,
        401686690394027663651624208769553,
        204048457590392012362485061816622,
        31853899698501571402653359427138,
        909429971244387300277376558375,
    ):
        q = ((q * x) >> 96) + term
    scaled = 1677202110996718588342820967067443963516166 * _quotient(p, q)
    scaled += 16597577552685614221487285958193947469193820559219878177908093499208371 * k
    scaled += 600920179829731861736702779321621459595472258049074101567377883020018308
    return scaled >> 174


def _quotient(numerator: int, denominator: int) -> int:
    """Division towards zero, as the EVM divides."""
    quotient = abs(numerator) // abs(denominator)
    return quotient if (numerator < 0) == (denominator < 0) else -quotient
