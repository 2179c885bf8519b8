// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IAggregatorV3} from "../../../contracts/interfaces/external/IAggregatorV3.sol";

/// @title Strict aggregator
/// @notice An aggregator that reverts where a round is missing, and whose rounds may lack an answer of their own.
contract StrictAggregator is IAggregatorV3 {
    struct Round {
        int256 answer;
        uint256 updatedAt;
        uint80 answeredInRound;
    }

    uint8 public immutable decimals;
    Round[] private rounds;

    constructor(uint8 decimals_) {
        decimals = decimals_;
    }

    /// @notice Adds the next round, the first being 1.
    function add(int256 answer, uint256 updatedAt, uint80 answeredInRound) external {
        rounds.push(Round(answer, updatedAt, answeredInRound));
    }

    function latestRoundData() external view returns (uint80, int256, uint256, uint256, uint80) {
        return getRoundData(uint80(rounds.length));
    }

    function getRoundData(uint80 number) public view returns (uint80, int256, uint256, uint256, uint80) {
        require(number != 0 && number <= rounds.length, "No data present");
        Round memory round = rounds[number - 1];
        return (number, round.answer, round.updatedAt, round.updatedAt, round.answeredInRound);
    }
}
