// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {EpochClock} from "./EpochClock.sol";

/// @notice What a race is, in one word; a field of more than eight assets has the feeds of the others in a second one.
/// @dev From the lowest bit: genesis divided by the length of an epoch (32), assets (8), positions (8), the oracle's
/// numbers of the first eight feeds (24 each).
type RaceTerms is uint256;

using RaceTermsLib for RaceTerms global;

/// @title Race terms
library RaceTermsLib {
    uint256 internal constant ASSETS_SHIFT = 32;
    uint256 internal constant POSITIONS_SHIFT = 40;
    uint256 internal constant FEEDS_SHIFT = 48;
    uint256 internal constant FEED_BITS = 24;
    uint256 internal constant FEEDS_HERE = 8;

    /// @notice Packs a race whose genesis is on the grid and below 2^40 and whose feed numbers are below 2^24.
    function pack(uint256 genesis_, uint256 positions_, uint256[] memory feeds)
        internal
        pure
        returns (RaceTerms terms, uint256 laterFeeds)
    {
        uint256 index = genesis_ / EpochClock.EPOCH;
        uint256 word = index | (feeds.length << ASSETS_SHIFT) | (positions_ << POSITIONS_SHIFT);
        for (uint256 i; i < feeds.length; ++i) {
            if (i < FEEDS_HERE) word |= feeds[i] << (FEEDS_SHIFT + FEED_BITS * i);
            else laterFeeds |= feeds[i] << (FEED_BITS * (i - FEEDS_HERE));
        }
        terms = RaceTerms.wrap(word);
    }

    /// @notice Start of epoch 1, UNIX seconds.
    function genesis(RaceTerms terms) internal pure returns (uint256) {
        return (RaceTerms.unwrap(terms) & type(uint32).max) * EpochClock.EPOCH;
    }

    function assets(RaceTerms terms) internal pure returns (uint256) {
        return (RaceTerms.unwrap(terms) >> ASSETS_SHIFT) & type(uint8).max;
    }

    function positions(RaceTerms terms) internal pure returns (uint256) {
        return (RaceTerms.unwrap(terms) >> POSITIONS_SHIFT) & type(uint8).max;
    }

    /// @notice The oracle's number of an asset's feed.
    function feedAt(RaceTerms terms, uint256 laterFeeds, uint256 asset) internal pure returns (uint256) {
        uint256 shifted = asset < FEEDS_HERE
            ? RaceTerms.unwrap(terms) >> (FEEDS_SHIFT + FEED_BITS * asset)
            : laterFeeds >> (FEED_BITS * (asset - FEEDS_HERE));
        return shifted & type(uint24).max;
    }
}
