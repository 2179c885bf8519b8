// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {FixedPointMathLib} from "solady/utils/FixedPointMathLib.sol";

/// @title LMSR on complete sets
/// @notice Hanson's logarithmic market scoring rule, C(q) = b·ln(e^(qYes/b) + e^(qNo/b)), in terms of what the house holds.
/// With all its collateral C(q) split into complete sets it holds `yes = C - qYes` and `no = C - qNo` shares, and the rule
/// becomes e^(-yes/b) + e^(-no/b) = 1; the price of YES is e^(-yes/b) over that sum. A trade that never raises the sum
/// never lets the house owe more than it holds.
/// @dev Amounts are base units, `b` too; exponents and logarithms are 1e18 fixed point. Every rounding favours the house:
/// the sum never rises, whatever the amounts. Terms are scaled by e^(least/b), which keeps full precision when fees have
/// made both holdings large.
library LmsrMath {
    using FixedPointMathLib for uint256;

    uint256 internal constant WAD = 1e18;

    /// ln 2, rounded up.
    uint256 internal constant LN2_UP = 693147180559945310;

    /// Bound on the error of Solady's `expWad` and `lnWad`, in units of the last place, with a margin of one.
    uint256 internal constant ULP = 2;

    /// Beyond this exponent e^-x is below one unit of the last place.
    uint256 internal constant EXPONENT_MAX = 42e18;

    /// @notice Shares of each side with which the house opens: its worst loss, b·ln 2, rounded up.
    function openingSharesUp(uint256 b) internal pure returns (uint256) {
        return b.mulWadUp(LN2_UP);
    }

    /// @notice Shares of one side that `amount` buys, rounded down; 0 if the amount is too small for one.
    /// @param own What the house holds of the side bought.
    /// @param other What it holds of the other side.
    function sharesDown(uint256 b, uint256 own, uint256 other, uint256 amount) internal pure returns (uint256) {
        uint256 least = own.min(other);
        uint256 paidIn = own + amount;
        // The terms are at most 1e18 each, and `least` is the lesser of the holdings, which are below 2^83.
        unchecked {
            uint256 level = _expDown(own - least, b) + _expDown(other - least, b);
            uint256 spent = _expUp(other - least + amount, b);
            if (spent >= level) return 0;

            // What the house must keep of the side bought: least - b·ln(level - spent), rounded up.
            int256 log = FixedPointMathLib.lnWad(int256(level - spent)) - int256(ULP);
            uint256 kept = log < 0 ? least + b.mulWadUp(uint256(-log)) : least.zeroFloorSub(b.mulWad(uint256(log)));
            return paidIn.zeroFloorSub(kept);
        }
    }

    /// @notice Collateral that the house pays for `shares` of one side, rounded down.
    function amountDown(uint256 b, uint256 own, uint256 other, uint256 shares) internal pure returns (uint256) {
        uint256 least = own.min(other);
        uint256 otherTerm = other - least;
        uint256 level = _expDown(own - least, b) + _expDown(otherTerm, b);
        uint256 after_ = _expUp(own - least + shares, b) + _expUp(otherTerm, b);
        if (after_ >= level) return 0;

        int256 log = FixedPointMathLib.lnWad(int256(level.divWad(after_))) - int256(ULP);
        return log <= 0 ? 0 : b.mulWad(uint256(log)).min(shares);
    }

    /// @notice Price of a share of the `own` side, 1e18 fixed point; the other side's is 1e18 less this.
    function price(uint256 b, uint256 own, uint256 other) internal pure returns (uint256) {
        uint256 least = own.min(other);
        uint256 ownTerm = _exp(own - least, b);
        return ownTerm.divWad(ownTerm + _exp(other - least, b));
    }

    /// @dev e^(-x/b), rounded down to 0 at the least.
    function _expDown(uint256 x, uint256 b) private pure returns (uint256) {
        if (x == 0) return WAD;
        return _expOf(x.divWadUp(b)).zeroFloorSub(ULP);
    }

    /// @dev e^(-x/b), rounded up to 1 at the most.
    function _expUp(uint256 x, uint256 b) private pure returns (uint256) {
        return (_expOf(x.divWad(b)) + ULP).min(WAD);
    }

    function _exp(uint256 x, uint256 b) private pure returns (uint256) {
        return _expOf(x.divWad(b));
    }

    function _expOf(uint256 exponent) private pure returns (uint256) {
        return exponent >= EXPONENT_MAX ? 0 : uint256(FixedPointMathLib.expWad(-int256(exponent)));
    }
}
