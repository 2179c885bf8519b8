// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Reference for the exponential
/// @notice e^(-x/b) by its series, twenty digits finer than what the contracts compute with, and sharing no code with it.
library ExpReference {
    /// One, and the fixed point of every answer.
    uint256 internal constant UNIT = 1e38;

    /// Bound on the error of one answer, in units of the last place.
    uint256 internal constant ERROR = 200;

    /// 1/e.
    uint256 private constant INVERSE_E = 36787944117144232159552377016146086744;

    /// @notice e^(-x/b) for b below 2^120.
    function expOf(uint256 x, uint256 b) internal pure returns (uint256 result) {
        uint256 whole = x / b;
        if (whole > 90) return 0;
        result = _series(x % b, b);
        for (uint256 i; i < whole; ++i) {
            result = result * INVERSE_E / UNIT;
        }
    }

    /// @notice e^(-(yes - base)/b) + e^(-(no - base)/b): what no trade may raise.
    function sumOf(uint256 b, uint256 yes, uint256 no, uint256 base) internal pure returns (uint256) {
        return expOf(yes - base, b) + expOf(no - base, b);
    }

    /// @dev For x below b: 1 - x/b + (x/b)^2/2 - ...
    function _series(uint256 x, uint256 b) private pure returns (uint256) {
        uint256 plus = UNIT;
        uint256 minus;
        uint256 term = UNIT;
        for (uint256 i = 1; term != 0; ++i) {
            term = term * x / (b * i);
            if (i % 2 == 1) minus += term;
            else plus += term;
        }
        return plus - minus;
    }
}
