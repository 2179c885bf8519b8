// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IReportAdapter} from "./IReportAdapter.sol";

/// @notice Says that a round was the feed's last one at a boundary.
struct BoundaryRound {
    bytes32 feed;
    /// UNIX seconds.
    uint256 boundary;
    /// As the feed's proxy numbers it.
    uint80 roundId;
}

/// @title Chainlink adapter
/// @notice A boundary's price is the answer of the last round that was updated at or before the boundary, if it was not
/// too old by then. That it was the last is proven by its successor, which must have been updated after the boundary: the
/// next round of its phase, or where its phase has none, the first round of a later phase. The report is
/// `abi.encode(BoundaryRound[] rounds)`. It costs nothing.
/// @dev Where the proxy has changed its aggregator, the later phase counts from its first round on, also from before the
/// change: a round is the last one only if no later phase has a round at or before the boundary. So one round at most is
/// accepted for a boundary. This takes from Chainlink that rounds of a phase are numbered from 1 without gaps, and that
/// their times do not fall. A round that is read with too little gas looks as if it were missing, but then there is far
/// too little left (a 64th) to store a price. Two boundaries without an update between them have the same price.
interface IChainlinkAdapter is IReportAdapter {
    error NotAContract(address account);
    error NoFeeds();
    error LengthsDiffer(uint256 feeds, uint256 aggregators, uint256 maxAges);
    error DuplicateFeed(bytes32 feed);
    error MaxAgeOutOfRange(uint256 maxAge, uint256 least, uint256 most);
    error DecimalsOutOfRange(bytes32 feed, uint256 decimals, uint256 most);
    error NoFeeDue(uint256 value);
    error FeedNotServed(bytes32 feed);
    error RoundMissing(bytes32 feed, uint256 roundId);
    /// @notice The round has no answer of its own.
    error RoundIncomplete(bytes32 feed, uint256 roundId, uint256 answeredInRound);
    error AnswerOutOfRange(bytes32 feed, uint256 roundId, int256 answer);
    error RoundAfterBoundary(bytes32 feed, uint256 boundary, uint256 roundId, uint256 updatedAt);
    error RoundTooOld(bytes32 feed, uint256 boundary, uint256 roundId, uint256 updatedAt, uint256 maxAge);
    /// @param laterId A later round, which was updated at or before the boundary too.
    error RoundNotLast(bytes32 feed, uint256 boundary, uint256 roundId, uint256 laterId, uint256 laterUpdatedAt);
    /// @notice No round after this one: wait for it.
    error SuccessorMissing(bytes32 feed, uint256 boundary, uint256 roundId);

    /// @notice Where a feed's rounds are read, how many decimals its answers have, and how many seconds before a boundary
    /// its round may have been updated at most; zeros if it is not served.
    function sourceOf(bytes32 feed) external view returns (address aggregator, uint256 decimals, uint256 maxAge);
}
