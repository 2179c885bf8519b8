// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {MockV3Aggregator} from "@chainlink/contracts/src/v0.8/shared/mocks/MockV3Aggregator.sol";

import {BoundaryStatus, IBoundaryOracle} from "../../../contracts/interfaces/IBoundaryOracle.sol";
import {IChainlinkAdapter} from "../../../contracts/interfaces/IChainlinkAdapter.sol";
import {ChainlinkFixture} from "../support/ChainlinkFixture.sol";
import {IOracle} from "../support/Kit.sol";

/// @notice How resolvers that may name a round have cheated other systems, tried on ours.
contract KnownFailuresChainlinkTest is ChainlinkFixture {
    uint256 internal constant DEADLINE = 7200;

    IOracle internal oracle;
    MockV3Aggregator internal second;

    /// @dev Two phases that overlap, all of their rounds young enough for the boundary, each at another price. The one
    /// that counts is number 2 of phase 2.
    function setUp() public override {
        super.setUp();
        oracle = IOracle(deploy("BoundaryOracle.sol:BoundaryOracle", abi.encode(address(this))));
        oracle.registerFeed(BTC, address(adapter), DEADLINE);
        second = _changeAggregator();
        for (uint256 i; i < 4; ++i) {
            _addRound(first, ANSWER + int256(i), BOUNDARY + 60 * i - 130);
            _addRound(second, ANSWER + 10 + int256(i), BOUNDARY + 60 * i - 100);
        }
    }

    /// @notice Of all the rounds around a boundary one alone is its price.
    function test_ResolverDoesNotPickAmongValidPrices() public {
        for (uint256 phase; phase <= 3; ++phase) {
            for (uint256 number; number <= 5; ++number) {
                if (phase == 2 && number == 2) continue;
                vm.expectRevert();
                oracle.post(address(adapter), _report(_id(phase, number)));
            }
        }
        assertEq(1, oracle.post(address(adapter), _report(_id(2, 2))));
        _assertPosted(PRICE + 11e10);
    }

    /// @notice A resolver that is short of gas on purpose does not make the rounds seem missing that speak against its own.
    function test_ResolverDoesNotHideARoundByGas() public {
        assertEq(1, _tryWithGas(_id(2, 2), 1_000_000), "enough for the right one");
        for (uint256 number = 1; number <= 4; ++number) {
            for (uint256 given = 20_000; given < 200_000; given += 500) {
                assertEq(0, _tryWithGas(_id(1, number), given), "a round of the earlier phase");
                if (number != 2) assertEq(0, _tryWithGas(_id(2, number), given), "not the last round");
            }
        }
    }

    /// @notice A round that was the last at the boundary but is too old by then decides nothing.
    function test_StaleReportIsNotAccepted() public {
        uint256 boundary = BOUNDARY + 3600;
        vm.warp(boundary + 60);
        vm.expectRevert(
            abi.encodeWithSelector(
                IChainlinkAdapter.RoundTooOld.selector, BTC, boundary, _id(2, 4), BOUNDARY + 80, MAX_AGE
            )
        );
        oracle.post(address(adapter), _report(BTC, boundary, _id(2, 4)));
        vm.warp(BOUNDARY + DEADLINE + 1);
        vm.expectRevert(
            abi.encodeWithSelector(IBoundaryOracle.BoundaryDeadlinePassed.selector, BTC, BOUNDARY, BOUNDARY + DEADLINE)
        );
        oracle.post(address(adapter), _report(_id(2, 2)));
    }

    /// @notice The latest round is nobody's price for a boundary that is still to come.
    function test_FutureDatedReportIsNotAccepted() public {
        vm.warp(BOUNDARY + 200);
        vm.expectRevert(
            abi.encodeWithSelector(IChainlinkAdapter.SuccessorMissing.selector, BTC, BOUNDARY + 300, _id(2, 4))
        );
        oracle.post(address(adapter), _report(BTC, BOUNDARY + 300, _id(2, 4)));
    }

    /// @notice A report posted again changes nothing, and a round serves no boundary at which it was not the last.
    function test_ReplayedReportChangesNothing() public {
        assertEq(1, oracle.post(address(adapter), _report(_id(2, 2))));
        assertEq(0, oracle.post(address(adapter), _report(_id(2, 2))));
        _assertPosted(PRICE + 11e10);
        vm.expectPartialRevert(IChainlinkAdapter.RoundNotLast.selector);
        oracle.post(address(adapter), _report(BTC, BOUNDARY + 300, _id(2, 2)));
        vm.expectPartialRevert(IChainlinkAdapter.RoundAfterBoundary.selector);
        oracle.post(address(adapter), _report(BTC, BOUNDARY - 300, _id(2, 2)));
    }

    /// @notice Posts, always reverts, and tells by its reason whether the price was taken.
    function tryPost(uint80 roundId) external {
        revert(oracle.post(address(adapter), _report(roundId)) == 1 ? "taken" : "not new");
    }

    /// @dev 1 if the round was taken with that much gas; nothing is kept. Reading is dear: nothing is warm.
    function _tryWithGas(uint80 roundId, uint256 given) private returns (uint256) {
        vm.cool(address(proxy));
        vm.cool(address(first));
        vm.cool(address(second));
        try this.tryPost{gas: given}(roundId) {}
        catch (bytes memory reason) {
            if (keccak256(reason) == keccak256(abi.encodeWithSignature("Error(string)", "taken"))) return 1;
        }
        (BoundaryStatus status,) = oracle.boundaryOf(BTC, BOUNDARY);
        assertEq(uint256(BoundaryStatus.NONE), uint256(status));
        return 0;
    }

    function _assertPosted(uint256 expected) private view {
        (, uint256 price) = oracle.boundaryOf(BTC, BOUNDARY);
        assertEq(expected, price);
    }
}
