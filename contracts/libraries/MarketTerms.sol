// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {FixedPointMathLib} from "solady/utils/FixedPointMathLib.sol";

import {EpochClock} from "./EpochClock.sol";

/// @notice What never changes of a market, in one word: its facade carries it in its code, so that a trade that comes
/// through the facade reads no slot for it.
/// @dev From the lowest bit: genesis / 300 (32), liquidity (80), feed index (24), feeBps, closingFeeBps and
/// closingLiquidityBps (16 each). Bounds are the market book's.
type MarketTerms is uint256;

using MarketTermsLib for MarketTerms global;

/// @title Market terms
/// @notice The clock, the feed and the house's schedule. Over the trading window the fee rises second by second, and the
/// liquidity falls in steps of `STEP` seconds.
library MarketTermsLib {
    using FixedPointMathLib for uint256;

    uint256 internal constant BPS = 10_000;
    uint256 internal constant STEP = 30;
    /// Number of the last step of the window.
    uint256 internal constant LAST_STEP = EpochClock.TRADING_WINDOW / STEP - 1;

    function pack(
        uint256 genesis_,
        uint256 liquidity,
        uint256 feedIndex_,
        uint256 feeBps_,
        uint256 closingFeeBps_,
        uint256 closingLiquidityBps_
    ) internal pure returns (MarketTerms) {
        return MarketTerms.wrap(
            (genesis_ / EpochClock.EPOCH) | (liquidity << 32) | (feedIndex_ << 112) | (feeBps_ << 136)
                | (closingFeeBps_ << 152) | (closingLiquidityBps_ << 168)
        );
    }

    /// @notice Start of epoch 1, UNIX seconds.
    function genesis(MarketTerms terms) internal pure returns (uint256) {
        return (MarketTerms.unwrap(terms) & type(uint32).max) * EpochClock.EPOCH;
    }

    /// @notice LMSR parameter b at the start of an epoch, in base units.
    function openingLiquidity(MarketTerms terms) internal pure returns (uint256) {
        return (MarketTerms.unwrap(terms) >> 32) & type(uint80).max;
    }

    function feedIndex(MarketTerms terms) internal pure returns (uint256) {
        return (MarketTerms.unwrap(terms) >> 112) & type(uint24).max;
    }

    function feeBps(MarketTerms terms) internal pure returns (uint256) {
        return (MarketTerms.unwrap(terms) >> 136) & type(uint16).max;
    }

    function closingFeeBps(MarketTerms terms) internal pure returns (uint256) {
        return (MarketTerms.unwrap(terms) >> 152) & type(uint16).max;
    }

    function closingLiquidityBps(MarketTerms terms) internal pure returns (uint256) {
        return (MarketTerms.unwrap(terms) >> 168) & type(uint16).max;
    }

    /// @notice How many steps of the window have passed `elapsed` seconds into an epoch.
    function stepAt(uint256 elapsed) internal pure returns (uint256) {
        return (elapsed / STEP).min(LAST_STEP);
    }

    /// @notice LMSR parameter b in a step, rounded down: from all of it to `closingLiquidityBps` of it in the last.
    function liquidityDown(MarketTerms terms, uint256 step) internal pure returns (uint256) {
        // Between the closing share and all of it: `step` is at most the last.
        unchecked {
            uint256 share = BPS * LAST_STEP - (BPS - terms.closingLiquidityBps()) * step;
            return terms.openingLiquidity() * share / (BPS * LAST_STEP);
        }
    }

    /// @notice The house's fee on `amount`, `elapsed` seconds into an epoch, rounded up.
    function feeUp(MarketTerms terms, uint256 amount, uint256 elapsed) internal pure returns (uint256) {
        uint256 passed = elapsed.min(EpochClock.TRADING_WINDOW);
        // The closing fee is no lower than the first.
        unchecked {
            uint256 first = terms.feeBps();
            uint256 rate = first * EpochClock.TRADING_WINDOW + (terms.closingFeeBps() - first) * passed;
            return amount.mulDivUp(rate, BPS * EpochClock.TRADING_WINDOW);
        }
    }
}
