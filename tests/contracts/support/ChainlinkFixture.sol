// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {MockV3Aggregator} from "@chainlink/contracts/src/v0.8/shared/mocks/MockV3Aggregator.sol";

import {BoundaryPrice} from "../../../contracts/interfaces/IBoundaryOracle.sol";
import {BoundaryRound, IChainlinkAdapter} from "../../../contracts/interfaces/IChainlinkAdapter.sol";
import {IAggregatorV3} from "../../../contracts/interfaces/external/IAggregatorV3.sol";
import {PhaseProxy} from "../doubles/PhaseProxy.sol";
import {StrictAggregator} from "../doubles/StrictAggregator.sol";
import {Deployer} from "./Deployer.sol";

/// @title Chainlink fixture
/// @notice A Chainlink adapter for a feed on a proxy whose first phase is Chainlink's own mock, and for one on a mock
/// without a proxy, an hour after a boundary. No round is there yet.
abstract contract ChainlinkFixture is Deployer {
    bytes32 internal constant BTC = "BTC/USD";
    bytes32 internal constant ETH = "ETH/USD";
    uint256 internal constant BOUNDARY = 1_800_000_000;
    uint256 internal constant MAX_AGE = 1200;
    /// 60,000 with Chainlink's usual decimals, and at 1e18.
    int256 internal constant ANSWER = 60_000e8;
    uint256 internal constant PRICE = 60_000e18;

    PhaseProxy internal proxy;
    MockV3Aggregator internal first;
    MockV3Aggregator internal plain;
    IChainlinkAdapter internal adapter;
    StrictAggregator internal strict;

    function setUp() public virtual {
        vm.warp(BOUNDARY + 3600);
        proxy = new PhaseProxy();
        first = _changeAggregator();
        plain = _emptyMock(18);
        bytes32[] memory feeds = new bytes32[](2);
        address[] memory aggregators = new address[](2);
        uint256[] memory maxAges = new uint256[](2);
        (feeds[0], aggregators[0], maxAges[0]) = (BTC, address(proxy), MAX_AGE);
        (feeds[1], aggregators[1], maxAges[1]) = (ETH, address(plain), 3 * MAX_AGE);
        adapter = _deployAdapter(feeds, aggregators, maxAges);
    }

    function _deployAdapter(bytes32[] memory feeds, address[] memory aggregators, uint256[] memory maxAges)
        internal
        returns (IChainlinkAdapter)
    {
        return IChainlinkAdapter(
            this.deploy("ChainlinkAdapter.sol:ChainlinkAdapter", abi.encode(feeds, aggregators, maxAges))
        );
    }

    /// @dev The proxy's next phase begins.
    function _changeAggregator() internal returns (MockV3Aggregator next) {
        next = _emptyMock(8);
        proxy.change(IAggregatorV3(address(next)));
    }

    /// @dev The mock makes a round when it is created: its number is given back.
    function _emptyMock(uint8 decimals) internal returns (MockV3Aggregator mock) {
        mock = new MockV3Aggregator(decimals, 0);
        mock.updateRoundData(1, 0, 0, 0);
        mock.updateRoundData(0, 0, 0, 0);
    }

    /// @dev The aggregator's next round.
    function _addRound(MockV3Aggregator aggregator, int256 answer, uint256 updatedAt) internal {
        aggregator.updateRoundData(uint80(aggregator.latestRound()) + 1, answer, updatedAt, updatedAt);
    }

    /// @dev The id of a round behind the proxy.
    function _id(uint256 phase, uint256 number) internal pure returns (uint80) {
        return uint80(phase * 2 ** 64 + number);
    }

    function _report(bytes32 feed, uint256 boundary, uint80 roundId) internal pure returns (bytes memory) {
        BoundaryRound[] memory rounds = new BoundaryRound[](1);
        rounds[0] = BoundaryRound(feed, boundary, roundId);
        return abi.encode(rounds);
    }

    /// @dev The report that the BTC round was the last one at the boundary.
    function _report(uint80 roundId) internal pure returns (bytes memory) {
        return _report(BTC, BOUNDARY, roundId);
    }

    /// @dev The proxy's next phase is one that reverts where a round is missing.
    function _useStrict(uint8 decimals) internal {
        strict = new StrictAggregator(decimals);
        proxy.change(strict);
    }

    function _assertPrice(uint256 expected, uint80 roundId) internal {
        BoundaryPrice[] memory prices = adapter.verify(_report(roundId));
        assertEq(1, prices.length);
        assertEq(abi.encode(BoundaryPrice(BTC, BOUNDARY, expected)), abi.encode(prices[0]));
    }

    function _assertRefused(uint80 roundId, bytes memory expected) internal {
        vm.expectRevert(expected);
        adapter.verify(_report(roundId));
    }

    function _notLast(uint80 roundId, uint80 laterId, uint256 laterAt) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IChainlinkAdapter.RoundNotLast.selector, BTC, BOUNDARY, roundId, laterId, laterAt);
    }

    function _successorMissing(uint80 roundId) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IChainlinkAdapter.SuccessorMissing.selector, BTC, BOUNDARY, roundId);
    }
}
