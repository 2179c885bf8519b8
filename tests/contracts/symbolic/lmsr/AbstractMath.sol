// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

interface ISymbols {
    function createUint256(string memory name) external returns (uint256);
    function createInt256(string memory name) external returns (int256);
}

interface IAssumptions {
    function assume(bool condition) external pure;
}

/// @notice What is not known, and what a proof sees of the last calls.
struct Seen {
    /// Quotients of a dividend by the divisor at hand, rounded down and up, and the exponential.
    mapping(uint256 dividend => uint256) down;
    mapping(uint256 dividend => uint256) up;
    mapping(int256 exponent => int256) exps;
    uint256 dividend;
    uint256 divisor;
    bool logTaken;
    int256 logOf;
    int256 log;
    bool productUp;
    uint256[2] factors;
    uint256 product;
}

/// @title Abstract mathematics
/// @notice Stands for Solady's library in a proof. Exponentials and quotients are any functions of what is asked,
/// logarithms and products any numbers; what was asked is noted in the caller's storage.
library FixedPointMathLib {
    ISymbols private constant SYMBOLS = ISymbols(0xF3993A62377BCd56AE39D773740A5390411E8BC9);
    IAssumptions private constant VM = IAssumptions(0x7109709ECfa91a80626fF3989D68f67F5b1DD12D);

    function seen() internal pure returns (Seen storage calls) {
        assembly ("memory-safe") {
            calls.slot := 0x5ee7
        }
    }

    function min(uint256 x, uint256 y) internal pure returns (uint256) {
        return x < y ? x : y;
    }

    function zeroFloorSub(uint256 x, uint256 y) internal pure returns (uint256) {
        return x > y ? x - y : 0;
    }

    function mulWad(uint256 x, uint256 y) internal pure returns (uint256) {
        return _pure(_mulDown)(x, y);
    }

    function mulWadUp(uint256 x, uint256 y) internal pure returns (uint256) {
        return _pure(_mulUp)(x, y);
    }

    function divWad(uint256 x, uint256 y) internal pure returns (uint256) {
        return _pure(_divDown)(x, y);
    }

    function divWadUp(uint256 x, uint256 y) internal pure returns (uint256) {
        return _pure(_divUp)(x, y);
    }

    function expWad(int256 x) internal pure returns (int256) {
        return _pure(_exp)(x);
    }

    function lnWad(int256 x) internal pure returns (int256) {
        return _pure(_ln)(x);
    }

    function _mulDown(uint256 x, uint256 y) private returns (uint256) {
        seen().productUp = false;
        return _product(x, y);
    }

    function _mulUp(uint256 x, uint256 y) private returns (uint256) {
        seen().productUp = true;
        return _product(x, y);
    }

    function _product(uint256 x, uint256 y) private returns (uint256 result) {
        result = SYMBOLS.createUint256("product");
        VM.assume(result < 1 << 160);
        (seen().factors[0], seen().factors[1], seen().product) = (x, y, result);
    }

    function _divDown(uint256 x, uint256 y) private returns (uint256 result) {
        (seen().dividend, seen().divisor) = (x, y);
        result = seen().down[x];
        VM.assume(result < 1 << 160);
    }

    function _divUp(uint256 x, uint256) private returns (uint256 result) {
        result = seen().up[x];
        VM.assume(result < 1 << 160);
    }

    function _exp(int256 x) private returns (int256 result) {
        result = seen().exps[x];
        VM.assume(result >= 0 && result <= 1e18 + 1);
    }

    function _ln(int256 x) private returns (int256 result) {
        result = SYMBOLS.createInt256("log");
        VM.assume(result > -(1 << 68) && result < 1 << 68);
        (seen().logTaken, seen().logOf, seen().log) = (true, x, result);
    }

    // The library's functions are pure; symbols and notes are not.

    function _pure(function(uint256, uint256) returns (uint256) noting)
        private
        pure
        returns (function(uint256, uint256) pure returns (uint256) same)
    {
        assembly ("memory-safe") {
            same := noting
        }
    }

    function _pure(function(int256) returns (int256) noting)
        private
        pure
        returns (function(int256) pure returns (int256) same)
    {
        assembly ("memory-safe") {
            same := noting
        }
    }
}
