// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Price scale
/// @notice Prices of other systems, value · 10^exponent, as 1e18 fixed point: exactly, or not at all.
library PriceScale {
    int256 internal constant EXPONENT_MIN = -36;
    int256 internal constant EXPONENT_MAX = 18;
    int256 private constant OWN_EXPONENT = -18;

    error ExponentOutOfRange(int256 exponent, int256 least, int256 most);
    error PrecisionLost(uint256 value, int256 exponent);

    /// @notice value · 10^exponent · 1e18. Reverts if digits would be lost; panics beyond 256 bits.
    function toE18(uint256 value, int256 exponent) internal pure returns (uint256) {
        if (exponent < EXPONENT_MIN || exponent > EXPONENT_MAX) {
            revert ExponentOutOfRange(exponent, EXPONENT_MIN, EXPONENT_MAX);
        }
        // forge-lint: disable-start(unsafe-typecast) -- from 0 to 36
        if (exponent >= OWN_EXPONENT) return value * 10 ** uint256(exponent - OWN_EXPONENT);
        uint256 divisor = 10 ** uint256(OWN_EXPONENT - exponent);
        // forge-lint: disable-end(unsafe-typecast)
        if (value % divisor != 0) revert PrecisionLost(value, exponent);
        return value / divisor;
    }
}
