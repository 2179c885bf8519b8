// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {PythErrors} from "@pythnetwork/pyth-sdk-solidity/PythErrors.sol";

import {IBoundaryOracle} from "../../../contracts/interfaces/IBoundaryOracle.sol";
import {IPythAdapter} from "../../../contracts/interfaces/IPythAdapter.sol";
import {IOracle} from "../support/Kit.sol";
import {PythFixture} from "../support/PythFixture.sol";

/// @notice How resolvers with Pyth's updates in their hands have cheated other systems, tried on ours.
contract KnownFailuresPythTest is PythFixture {
    uint256 internal constant DEADLINE = 3600;
    uint256 internal constant UPDATES = 6;

    IOracle internal oracle;
    /// All that Pyth has signed around the boundary, each update at another price. The first after it is number 2.
    bytes[] internal signed;

    function setUp() public override {
        super.setUp();
        oracle = IOracle(deploy("BoundaryOracle.sol:BoundaryOracle", abi.encode(address(this))));
        oracle.registerFeed(BTC, address(adapter), DEADLINE);
        for (uint256 i; i < UPDATES; ++i) {
            uint256 publishedAt = BOUNDARY + 3 * i - 5;
            signed.push(_update(BTC_ID, VALUE + int64(uint64(i)), publishedAt, publishedAt - 3));
        }
    }

    /// @notice Of all the updates around a boundary one alone is its price, by itself or among the others in any order.
    function test_ResolverDoesNotPickAmongValidPrices() public {
        for (uint256 i; i < UPDATES; ++i) {
            if (i != 2) _assertNotInRange(_report(signed[i]));
        }
        bytes[] memory backwards = new bytes[](UPDATES);
        for (uint256 i; i < UPDATES; ++i) {
            backwards[i] = signed[UPDATES - 1 - i];
        }
        oracle.post{value: UPDATES * FEE}(address(adapter), _report(backwards, _list(BTC), BOUNDARY));
        _assertPosted(PRICE + 2e10);
    }

    /// @notice The first update left out, the others still do not prove anything.
    function test_ResolverDoesNotHideTheFirstUpdate() public {
        bytes[] memory others = new bytes[](UPDATES - 1);
        for (uint256 i; i < UPDATES; ++i) {
            if (i != 2) others[i < 2 ? i : i - 1] = signed[i];
        }
        vm.expectRevert(PythErrors.PriceFeedNotFoundWithinRange.selector);
        oracle.post{value: others.length * FEE}(address(adapter), _report(others, _list(BTC), BOUNDARY));
    }

    /// @notice An update from before the boundary is stale, however shortly.
    function test_StaleReportIsNotAccepted() public {
        _assertNotInRange(_report(signed[1]));
        bytes memory report = _report(signed[2]);
        vm.warp(BOUNDARY + DEADLINE + 1);
        vm.expectRevert(
            abi.encodeWithSelector(IBoundaryOracle.BoundaryDeadlinePassed.selector, BTC, BOUNDARY, BOUNDARY + DEADLINE)
        );
        oracle.post{value: FEE}(address(adapter), report);
    }

    /// @notice A boundary of the future has no price, though somebody has an update of that time.
    function test_FutureDatedReportIsNotAccepted() public {
        bytes[] memory updates = new bytes[](1);
        updates[0] = _update(BOUNDARY + 300, BOUNDARY + 299);
        vm.expectRevert(
            abi.encodeWithSelector(IPythAdapter.BoundaryNotReached.selector, BOUNDARY + 300, block.timestamp)
        );
        oracle.post{value: FEE}(address(adapter), _report(updates, _list(BTC), BOUNDARY + 300));
    }

    /// @notice An update posted again changes nothing, and serves no other boundary.
    function test_ReplayedReportChangesNothing() public {
        bytes memory report = _report(signed[2]);
        assertEq(1, oracle.post{value: FEE}(address(adapter), report));
        assertEq(0, oracle.post{value: FEE}(address(adapter), report));
        _assertPosted(PRICE + 2e10);
        vm.warp(BOUNDARY + 600);
        bytes[] memory updates = new bytes[](1);
        updates[0] = signed[2];
        for (uint256 boundary = BOUNDARY - 300; boundary <= BOUNDARY + 300; boundary += 600) {
            vm.expectRevert(PythErrors.PriceFeedNotFoundWithinRange.selector);
            oracle.post{value: FEE}(address(adapter), _report(updates, _list(BTC), boundary));
        }
    }

    /// @notice However wide the gap, one update does not decide both ends of an epoch.
    function test_OneUpdateDoesNotDecideTwoBoundaries() public {
        IPythAdapter wide = _deployAdapter(address(pyth), 299, CONFIDENCE_BPS);
        vm.warp(BOUNDARY + 1 days);
        bytes[] memory updates = new bytes[](1);
        for (uint256 wait = 299; wait <= 300; ++wait) {
            updates[0] = _update(BOUNDARY + wait, BOUNDARY - 1);
            bytes memory report = _report(updates, _list(BTC), BOUNDARY);
            bytes memory next = _report(updates, _list(BTC), BOUNDARY + 300);
            if (wait == 300) vm.expectRevert(PythErrors.PriceFeedNotFoundWithinRange.selector);
            wide.verify{value: FEE}(report);
            if (wait == 299) vm.expectRevert(PythErrors.PriceFeedNotFoundWithinRange.selector);
            wide.verify{value: FEE}(next);
        }
    }

    function _assertNotInRange(bytes memory report) private {
        vm.expectRevert(PythErrors.PriceFeedNotFoundWithinRange.selector);
        oracle.post{value: FEE}(address(adapter), report);
    }

    function _assertPosted(uint256 expected) private view {
        (, uint256 price) = oracle.boundaryOf(BTC, BOUNDARY);
        assertEq(expected, price);
    }
}
