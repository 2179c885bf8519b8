// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IAggregatorV3} from "../../../contracts/interfaces/external/IAggregatorV3.sol";

/// @title Phase proxy
/// @notice Numbers rounds as Chainlink's proxy does: phase · 2^64 + the number that the phase's aggregator gave it. Each
/// new aggregator begins a phase, from 1.
contract PhaseProxy is IAggregatorV3 {
    IAggregatorV3[] private aggregators;

    function change(IAggregatorV3 aggregator) external {
        aggregators.push(aggregator);
    }

    function decimals() external view returns (uint8) {
        return aggregators[aggregators.length - 1].decimals();
    }

    function getRoundData(uint80 roundId) external view returns (uint80, int256, uint256, uint256, uint80) {
        uint256 phase = roundId >> 64;
        return _numbered(phase, aggregators[phase - 1], uint64(roundId));
    }

    function latestRoundData() external view returns (uint80, int256, uint256, uint256, uint80) {
        IAggregatorV3 current = aggregators[aggregators.length - 1];
        (uint80 latest,,,,) = current.latestRoundData();
        return _numbered(aggregators.length, current, uint64(latest));
    }

    function _numbered(uint256 phase, IAggregatorV3 aggregator, uint64 number)
        private
        view
        returns (uint80 id, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredIn)
    {
        (id, answer, startedAt, updatedAt, answeredIn) = aggregator.getRoundData(number);
        (id, answeredIn) = (_id(phase, id), _id(phase, answeredIn));
    }

    function _id(uint256 phase, uint80 number) private pure returns (uint80) {
        return uint80(phase << 64) + uint64(number);
    }
}
