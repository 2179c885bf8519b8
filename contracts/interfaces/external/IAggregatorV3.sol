// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Chainlink aggregator
/// @notice What we call of Chainlink's AggregatorV3Interface. Behind a proxy a round's id is its phase, counted up
/// with every change of the aggregator, times 2^64, plus the aggregator's own number, from 1.
interface IAggregatorV3 {
    function decimals() external view returns (uint8);

    /// @dev For a round that is not there, some revert and some return zeros.
    function getRoundData(uint80 roundId)
        external
        view
        returns (uint80 id, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound);

    function latestRoundData()
        external
        view
        returns (uint80 id, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound);
}
