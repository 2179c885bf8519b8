// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BoundaryPrice, BoundaryStatus} from "../../../../contracts/interfaces/IBoundaryOracle.sol";
import {BoundaryRound, IChainlinkAdapter} from "../../../../contracts/interfaces/IChainlinkAdapter.sol";
import {PriceScale} from "../../../../contracts/libraries/PriceScale.sol";
import {StrictAggregator} from "../../doubles/StrictAggregator.sol";
import {ChainlinkFixture} from "../../support/ChainlinkFixture.sol";
import {IOracle} from "../../support/Kit.sol";

contract ChainlinkAdapterTest is ChainlinkFixture {
    /// @notice Feeds, aggregators and ages are fixed at creation, decimals are read.
    function test_Constructor() public view {
        _assertSource(BTC, address(proxy), 8, MAX_AGE);
        _assertSource(ETH, address(plain), 18, 3 * MAX_AGE);
        _assertSource("SOL/USD", address(0), 0, 0);
    }

    /// @notice An adapter serves feeds, each by one aggregator and with one age.
    function test_RevertWhen_ListsDoNotMatch() public {
        (bytes32[] memory feeds, address[] memory aggregators, uint256[] memory ages) = _sources(address(proxy), 1);
        vm.expectRevert(abi.encodeWithSelector(IChainlinkAdapter.LengthsDiffer.selector, 1, 1, 2));
        _deployAdapter(feeds, aggregators, new uint256[](2));
        vm.expectRevert(abi.encodeWithSelector(IChainlinkAdapter.LengthsDiffer.selector, 1, 2, 1));
        _deployAdapter(feeds, new address[](2), ages);
        vm.expectRevert(IChainlinkAdapter.NoFeeds.selector);
        _deployAdapter(new bytes32[](0), aggregators, ages);
    }

    /// @notice A feed is named once.
    function test_RevertWhen_AFeedIsNamedTwice() public {
        address[] memory aggregators = new address[](2);
        (aggregators[0], aggregators[1]) = (address(proxy), address(plain));
        uint256[] memory ages = new uint256[](2);
        (ages[0], ages[1]) = (1, 1);
        vm.expectRevert(abi.encodeWithSelector(IChainlinkAdapter.DuplicateFeed.selector, bytes32(0)));
        _deployAdapter(new bytes32[](2), aggregators, ages);
    }

    /// @notice Where an aggregator should be, there is a contract.
    function test_RevertWhen_AggregatorIsNotThere() public {
        address nobody = makeAddr("nobody");
        _assertNotDeployed(nobody, 1, abi.encodeWithSelector(IChainlinkAdapter.NotAContract.selector, nobody));
    }

    /// @notice A round is a second old at least, and a week at most.
    function test_RevertWhen_MaxAgeIsOutOfRange() public {
        _deployFor(address(proxy), 1);
        _deployFor(address(proxy), 7 days);
        bytes4 selector = IChainlinkAdapter.MaxAgeOutOfRange.selector;
        _assertNotDeployed(address(proxy), 0, abi.encodeWithSelector(selector, 0, 1, 7 days));
        _assertNotDeployed(address(proxy), 7 days + 1, abi.encodeWithSelector(selector, 7 days + 1, 1, 7 days));
    }

    /// @notice More decimals than any price has are refused.
    function test_RevertWhen_DecimalsAreOutOfRange() public {
        _deployFor(address(new StrictAggregator(36)), 1);
        _assertNotDeployed(
            address(new StrictAggregator(37)),
            1,
            abi.encodeWithSelector(IChainlinkAdapter.DecimalsOutOfRange.selector, BTC, 37, 36)
        );
    }

    /// @notice One report holds many feeds and boundaries; one round may be the last at several.
    function test_VerifyMany() public {
        _addRound(first, ANSWER, BOUNDARY - 400);
        _addRound(first, ANSWER + 1, BOUNDARY + 1);
        _addRound(plain, 3000e18, BOUNDARY - 3 * MAX_AGE);
        _addRound(plain, 3001e18, BOUNDARY + 1);
        BoundaryRound[] memory rounds = new BoundaryRound[](3);
        rounds[0] = BoundaryRound(BTC, BOUNDARY, _id(1, 1));
        rounds[1] = BoundaryRound(ETH, BOUNDARY, 1);
        rounds[2] = BoundaryRound(BTC, BOUNDARY - 300, _id(1, 1));
        BoundaryPrice[] memory prices = adapter.verify(abi.encode(rounds));
        assertEq(3, prices.length);
        assertEq(abi.encode(BoundaryPrice(BTC, BOUNDARY, PRICE)), abi.encode(prices[0]));
        assertEq(abi.encode(BoundaryPrice(ETH, BOUNDARY, 3000e18)), abi.encode(prices[1]));
        assertEq(abi.encode(BoundaryPrice(BTC, BOUNDARY - 300, PRICE)), abi.encode(prices[2]));
    }

    /// @notice Answers are above zero, and no larger than Chainlink's own type.
    function test_RevertWhen_AnswerIsOutOfRange() public {
        int256[5] memory answers =
            [int256(0), -1, type(int256).min, int256(type(int192).max) + 1, int256(type(int256).max)];
        for (uint256 i; i < answers.length; ++i) {
            _addRound(first, answers[i], BOUNDARY);
            _addRound(first, ANSWER, BOUNDARY + 1);
            uint80 id = _id(1, 1);
            _assertRefused(id, abi.encodeWithSelector(IChainlinkAdapter.AnswerOutOfRange.selector, BTC, id, answers[i]));
            first.updateRoundData(0, 0, 0, 0);
        }
        _addRound(first, type(int192).max, BOUNDARY);
        _addRound(first, ANSWER, BOUNDARY + 1);
        _assertPrice(uint256(int256(type(int192).max)) * 1e10, _id(1, 1));
    }

    /// @notice Whatever its decimals, an answer is the same price at 1e18.
    function test_Scale() public {
        _assertScaled(0, 60_000, 60_000e18);
        _assertScaled(18, 60_000e18, 60_000e18);
        _assertScaled(20, 60_000e18, 600e18);
        _assertScaled(36, 1e18, 1);
    }

    /// @notice Digits that 1e18 cannot hold are not dropped.
    function test_RevertWhen_PrecisionIsLost() public {
        IChainlinkAdapter other = _deployScaled(20, 60_001);
        vm.expectRevert(abi.encodeWithSelector(PriceScale.PrecisionLost.selector, uint256(60_001), int256(-20)));
        other.verify(_report(1));
    }

    /// @notice A feed that the adapter does not serve is refused by name.
    function test_RevertWhen_FeedIsNotServed() public {
        vm.expectRevert(abi.encodeWithSelector(IChainlinkAdapter.FeedNotServed.selector, bytes32("SOL/USD")));
        adapter.verify(_report("SOL/USD", BOUNDARY, 1));
    }

    /// @notice Verification is free; ether would be stuck.
    function test_RevertWhen_EtherIsSent() public {
        vm.expectRevert(abi.encodeWithSelector(IChainlinkAdapter.NoFeeDue.selector, 1));
        adapter.verify{value: 1}(_report(_id(1, 1)));
    }

    /// @notice What is no report at all is refused.
    function test_RevertWhen_ReportIsNotDecodable() public {
        vm.expectRevert();
        adapter.verify(hex"1234");
    }

    /// @notice The oracle stores what the rounds prove.
    function test_PostThroughTheOracle() public {
        IOracle oracle = IOracle(deploy("BoundaryOracle.sol:BoundaryOracle", abi.encode(address(this))));
        oracle.registerFeed(BTC, address(adapter), 3600);
        _addRound(first, ANSWER, BOUNDARY);
        _addRound(first, ANSWER + 1, BOUNDARY + 1);
        assertEq(1, oracle.post(address(adapter), _report(_id(1, 1))));
        (BoundaryStatus status, uint256 price) = oracle.boundaryOf(BTC, BOUNDARY);
        assertEq(uint256(BoundaryStatus.POSTED), uint256(status));
        assertEq(PRICE, price);
    }

    function _deployFor(address aggregator, uint256 maxAge) private returns (IChainlinkAdapter) {
        (bytes32[] memory feeds, address[] memory aggregators, uint256[] memory ages) = _sources(aggregator, maxAge);
        return _deployAdapter(feeds, aggregators, ages);
    }

    /// @dev An adapter for an aggregator of these decimals, whose first round is proven.
    function _deployScaled(uint8 decimals, int256 answer) private returns (IChainlinkAdapter) {
        strict = new StrictAggregator(decimals);
        strict.add(answer, BOUNDARY, 1);
        strict.add(answer, BOUNDARY + 1, 2);
        return _deployFor(address(strict), MAX_AGE);
    }

    function _assertScaled(uint8 decimals, int256 answer, uint256 expected) private {
        assertEq(expected, _deployScaled(decimals, answer).verify(_report(1))[0].price);
    }

    function _assertNotDeployed(address aggregator, uint256 maxAge, bytes memory expected) private {
        vm.expectRevert(expected);
        _deployFor(aggregator, maxAge);
    }

    function _assertSource(bytes32 feed, address expected, uint256 decimalsExpected, uint256 ageExpected) private view {
        (address aggregator, uint256 decimals, uint256 maxAge) = adapter.sourceOf(feed);
        assertEq(expected, aggregator);
        assertEq(decimalsExpected, decimals);
        assertEq(ageExpected, maxAge);
    }

    function _sources(address aggregator, uint256 maxAge)
        private
        pure
        returns (bytes32[] memory feeds, address[] memory aggregators, uint256[] memory ages)
    {
        (feeds, aggregators, ages) = (new bytes32[](1), new address[](1), new uint256[](1));
        (feeds[0], aggregators[0], ages[0]) = (BTC, aggregator, maxAge);
    }
}
