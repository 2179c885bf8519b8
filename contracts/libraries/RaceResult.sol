// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {RaceStatus} from "../interfaces/IRaceMarket.sol";

/// @notice How an epoch of a race ended, in one word. An asset covers the places from `better + 1` to `better + tied`,
/// where `better` assets are above it and `tied` equal to it, itself included.
/// @dev Byte i is of asset i: `better` in the high four bits, `tied - 1` in the low four. The status is above the lowest
/// 128 bits, and not 0.
type RaceResult is uint256;

using RaceResultLib for RaceResult global;

/// @title Race result
/// @notice Ranks runs. A run is an asset's two prices in one word: the end price in the high half, the start price, which
/// is not 0, in the low one. Runs compare by end price over start price, exactly.
library RaceResultLib {
    uint256 internal constant STATUS_SHIFT = 128;
    uint256 internal constant PRICE_BITS = 128;
    uint256 private constant PRICE_MASK = type(uint128).max;
    /// What one more asset that is better, or equal, adds to a byte.
    uint256 private constant BETTER = 0x10;
    uint256 private constant EQUAL = 1;

    /// @notice The result of a void epoch: nobody is better than anybody, so that each asset has an equal part in each
    /// place.
    function voided(uint256 assets) internal pure returns (RaceResult) {
        uint256 word = uint256(RaceStatus.VOID) << STATUS_SHIFT;
        for (uint256 i; i < assets; ++i) {
            word |= (assets - 1) << (8 * i);
        }
        return RaceResult.wrap(word);
    }

    /// @notice The result of 1 to 16 runs.
    function finished(uint256[] memory runs) internal pure returns (RaceResult) {
        uint256 word = uint256(RaceStatus.FINISHED) << STATUS_SHIFT;
        uint256 assets = runs.length;
        // An asset is above or equal to fifteen others at most: no four bits overflow.
        unchecked {
            for (uint256 i; i < assets; ++i) {
                uint256 run = runs[i];
                for (uint256 j; j < i; ++j) {
                    (uint256 one, uint256 other) = _crossed(run, runs[j]);
                    if (one > other) word += BETTER << (8 * j);
                    else if (one < other) word += BETTER << (8 * i);
                    else word += (EQUAL << (8 * i)) + (EQUAL << (8 * j));
                }
            }
        }
        return RaceResult.wrap(word);
    }

    /// @notice The place of one asset, as `finished` has it.
    function placeOf(uint256[] memory runs, uint256 asset) internal pure returns (uint256 better, uint256 tied) {
        uint256 run = runs[asset];
        for (uint256 i; i < runs.length; ++i) {
            (uint256 one, uint256 other) = _crossed(run, runs[i]);
            if (one < other) ++better;
            else if (one == other) ++tied;
        }
    }

    function status(RaceResult result) internal pure returns (RaceStatus) {
        return RaceStatus(RaceResult.unwrap(result) >> STATUS_SHIFT);
    }

    function placeAt(RaceResult result, uint256 asset) internal pure returns (uint256 better, uint256 tied) {
        uint256 place = (RaceResult.unwrap(result) >> (8 * asset)) & 0xff;
        return (place >> 4, (place & 0xf) + 1);
    }

    /// @notice The part of a position (1 and up) that an asset takes: one of `tied` if it covers it, nothing otherwise.
    function partOf(uint256 better, uint256 tied, uint256 position)
        internal
        pure
        returns (uint256 numerator, uint256 denominator)
    {
        bool covered = position > better && position <= better + tied;
        return (covered ? 1 : 0, tied);
    }

    /// @dev Two runs as numbers in the same order. Prices are below 2^128, so that no product overflows.
    function _crossed(uint256 run, uint256 other) private pure returns (uint256, uint256) {
        unchecked {
            return ((run >> PRICE_BITS) * (other & PRICE_MASK), (other >> PRICE_BITS) * (run & PRICE_MASK));
        }
    }
}
