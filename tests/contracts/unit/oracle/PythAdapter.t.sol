// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {PythErrors} from "@pythnetwork/pyth-sdk-solidity/PythErrors.sol";

import {BoundaryPrice, BoundaryStatus} from "../../../../contracts/interfaces/IBoundaryOracle.sol";
import {IPythAdapter} from "../../../../contracts/interfaces/IPythAdapter.sol";
import {PriceScale} from "../../../../contracts/libraries/PriceScale.sol";
import {IOracle} from "../../support/Kit.sol";
import {PythFixture} from "../../support/PythFixture.sol";

contract PythAdapterTest is PythFixture {
    /// @notice Pyth, the feeds and the limits are fixed at creation.
    function test_Constructor() public view {
        assertEq(address(pyth), adapter.pyth());
        assertEq(GAP, adapter.maxGap());
        assertEq(CONFIDENCE_BPS, adapter.maxConfidenceBps());
        assertEq(BTC_ID, adapter.priceIdOf(BTC));
        assertEq(ETH_ID, adapter.priceIdOf(ETH));
        assertEq(bytes32(0), adapter.priceIdOf("SOL/USD"));
    }

    /// @notice Where Pyth should be, there is a contract.
    function test_RevertWhen_PythIsNotThere() public {
        address nobody = makeAddr("nobody");
        vm.expectRevert(abi.encodeWithSelector(IPythAdapter.NotAContract.selector, nobody));
        _deployAdapter(nobody, GAP, CONFIDENCE_BPS);
    }

    /// @notice An adapter serves feeds, each by one id.
    function test_RevertWhen_FeedsAndIdsDoNotMatch() public {
        priceIds.pop();
        _assertNotDeployed(abi.encodeWithSelector(IPythAdapter.FeedsAndIdsDiffer.selector, 2, 1));
        delete feeds;
        _assertNotDeployed(abi.encodeWithSelector(IPythAdapter.NoFeeds.selector));
    }

    /// @notice A feed is named once.
    function test_RevertWhen_AFeedIsNamedTwice() public {
        feeds[1] = BTC;
        _assertNotDeployed(abi.encodeWithSelector(IPythAdapter.DuplicateFeed.selector, BTC));
    }

    /// @notice A feed has an id.
    function test_RevertWhen_APriceIdIsZero() public {
        priceIds[1] = 0;
        _assertNotDeployed(abi.encodeWithSelector(IPythAdapter.ZeroPriceId.selector, ETH));
    }

    /// @notice The gap ends before the next boundary.
    function test_RevertWhen_GapIsOutOfRange() public {
        assertEq(299, _deployAdapter(address(pyth), 299, CONFIDENCE_BPS).maxGap());
        vm.expectRevert(abi.encodeWithSelector(IPythAdapter.GapOutOfRange.selector, 300, 299));
        _deployAdapter(address(pyth), 300, CONFIDENCE_BPS);
    }

    /// @notice A price is uncertain by all of itself at most.
    function test_RevertWhen_ConfidenceIsOutOfRange() public {
        assertEq(10_000, _deployAdapter(address(pyth), GAP, 10_000).maxConfidenceBps());
        vm.expectRevert(abi.encodeWithSelector(IPythAdapter.ConfidenceOutOfRange.selector, 0, 1, 10_000));
        _deployAdapter(address(pyth), GAP, 0);
        vm.expectRevert(abi.encodeWithSelector(IPythAdapter.ConfidenceOutOfRange.selector, 10_001, 1, 10_000));
        _deployAdapter(address(pyth), GAP, 10_001);
    }

    /// @notice The first update at or after the boundary is its price, from the boundary's second to the end of the gap.
    function test_Verify() public {
        for (uint256 wait; wait <= GAP; wait += GAP / 2) {
            _assertPrice(PRICE, _report(_update(BOUNDARY + wait, BOUNDARY - 1)));
        }
    }

    /// @notice An update with another one between the boundary and itself is not the first.
    function test_RevertWhen_UpdateIsNotTheFirst() public {
        _assertNotInRange(_report(_update(BOUNDARY, BOUNDARY)));
        _assertNotInRange(_report(_update(BOUNDARY + 2, BOUNDARY)));
        _assertNotInRange(_report(_update(BOUNDARY + 2, BOUNDARY + 1)));
    }

    /// @notice A price from before the boundary is not the boundary's.
    function test_RevertWhen_UpdateIsFromBefore() public {
        _assertNotInRange(_report(_update(BOUNDARY - 1, BOUNDARY - 2)));
    }

    /// @notice A price from beyond the gap comes too late, though it is the first.
    function test_RevertWhen_UpdateIsBeyondTheGap() public {
        vm.warp(BOUNDARY + 1 days);
        _assertNotInRange(_report(_update(BOUNDARY + GAP + 1, BOUNDARY - 1)));
    }

    /// @notice Another id's update does not prove a feed's price.
    function test_RevertWhen_UpdateIsOfAnotherId() public {
        _assertNotInRange(_report(_update(ETH_ID, VALUE, BOUNDARY, BOUNDARY - 1)));
    }

    /// @notice A feed that the adapter does not serve is refused by name.
    function test_RevertWhen_FeedIsNotServed() public {
        bytes[] memory updates = new bytes[](0);
        vm.expectRevert(abi.encodeWithSelector(IPythAdapter.FeedNotServed.selector, bytes32("SOL/USD")));
        adapter.verify(_report(updates, _list("SOL/USD"), BOUNDARY));
    }

    /// @notice One report holds many feeds, in any order; what else is among the updates does not matter.
    function test_VerifyManyFeeds() public {
        bytes[] memory updates = new bytes[](4);
        updates[0] = _update(BTC_ID, VALUE - 1, BOUNDARY - 1, BOUNDARY - 2);
        updates[1] = _update(BTC_ID, VALUE, BOUNDARY, BOUNDARY - 1);
        updates[2] = _update(ETH_ID, 3000e8, BOUNDARY + 1, BOUNDARY - 1);
        updates[3] = _update(BTC_ID, VALUE + 1, BOUNDARY + 1, BOUNDARY);
        (feeds[0], feeds[1]) = (ETH, BTC);
        BoundaryPrice[] memory prices = adapter.verify{value: 4 * FEE}(_report(updates, feeds, BOUNDARY));
        assertEq(2, prices.length);
        assertEq(abi.encode(BoundaryPrice(ETH, BOUNDARY, 3000e18)), abi.encode(prices[0]));
        assertEq(abi.encode(BoundaryPrice(BTC, BOUNDARY, PRICE)), abi.encode(prices[1]));
    }

    /// @notice The fee is told beforehand, and all of it goes to Pyth.
    function test_FeeGoesToPyth() public {
        bytes memory report = _report(_update(BOUNDARY, BOUNDARY - 1));
        assertEq(FEE, adapter.feeOf(report));
        adapter.verify{value: FEE}(report);
        assertEq(FEE, address(mock).balance);
        assertEq(0, address(adapter).balance);
    }

    /// @notice Less than the fee is too little, and more would be lost.
    function test_RevertWhen_FeeIsWrong() public {
        bytes memory report = _report(_update(BOUNDARY, BOUNDARY - 1));
        for (uint256 given; given < 3 * FEE; ++given) {
            if (given == FEE) continue;
            vm.expectRevert(abi.encodeWithSelector(IPythAdapter.WrongFee.selector, given, FEE));
            adapter.verify{value: given}(report);
        }
    }

    /// @notice Ether for nothing is not taken.
    function test_RevertWhen_EtherIsSent() public {
        (bool success,) = address(adapter).call{value: 1}("");
        assertFalse(success);
    }

    /// @notice A confidence interval may be as wide as the limit and no wider.
    function test_RevertWhen_PriceIsTooUncertain() public {
        uint64 widest = uint64(VALUE) / 200;
        _assertPrice(PRICE, _report(_update(BTC_ID, VALUE, widest, EXPONENT, BOUNDARY, BOUNDARY - 1)));
        _assertRefused(
            _update(BTC_ID, VALUE, widest + 1, EXPONENT, BOUNDARY, BOUNDARY - 1),
            abi.encodeWithSelector(
                IPythAdapter.PriceTooUncertain.selector, BTC, BOUNDARY, VALUE, widest + 1, CONFIDENCE_BPS
            )
        );
    }

    /// @notice Where the first update is too uncertain, the next one does not stand in for it.
    function test_NoReportWhereTheFirstUpdateIsUncertain() public {
        bytes[] memory updates = new bytes[](2);
        updates[0] = _update(BTC_ID, VALUE, type(uint64).max, EXPONENT, BOUNDARY, BOUNDARY - 1);
        updates[1] = _update(BTC_ID, VALUE, 0, EXPONENT, BOUNDARY + 1, BOUNDARY);
        vm.expectPartialRevert(IPythAdapter.PriceTooUncertain.selector);
        adapter.verify{value: 2 * FEE}(_report(updates, _list(BTC), BOUNDARY));
        _assertNotInRange(_report(updates[1]));
    }

    /// @notice A price is above zero.
    function test_RevertWhen_PriceIsNotPositive() public {
        int64[3] memory values = [int64(0), -1, type(int64).min];
        for (uint256 i; i < 3; ++i) {
            _assertRefused(
                _update(BTC_ID, values[i], BOUNDARY, BOUNDARY - 1),
                abi.encodeWithSelector(IPythAdapter.PriceNotPositive.selector, BTC, BOUNDARY, values[i])
            );
        }
    }

    /// @notice Whatever the exponent, the price is the same at 1e18.
    function test_Scale() public {
        _assertPrice(60_000e18, _report(_scaled(60_000, 0)));
        _assertPrice(60_000e18, _report(_scaled(6, 4)));
        _assertPrice(60_000, _report(_scaled(60_000, -18)));
        _assertPrice(600, _report(_scaled(60_000, -20)));
        _assertPrice(1e36, _report(_scaled(1, 18)));
        _assertPrice(1, _report(_scaled(1e18, -36)));
    }

    /// @notice Digits that 1e18 cannot hold are not dropped.
    function test_RevertWhen_PrecisionIsLost() public {
        _assertRefused(
            _scaled(60_001, -20),
            abi.encodeWithSelector(PriceScale.PrecisionLost.selector, uint256(60_001), int256(-20))
        );
    }

    /// @notice Exponents that no price has are refused.
    function test_RevertWhen_ExponentIsOutOfRange() public {
        int32[4] memory exponents = [int32(-37), 19, type(int32).min, type(int32).max];
        for (uint256 i; i < 4; ++i) {
            _assertRefused(
                _scaled(1e18, exponents[i]),
                abi.encodeWithSelector(
                    PriceScale.ExponentOutOfRange.selector, int256(exponents[i]), int256(-36), int256(18)
                )
            );
        }
    }

    /// @notice A boundary that has not come has no price, one beyond Pyth's clock least of all.
    function test_RevertWhen_BoundaryIsNotReached() public {
        bytes[] memory updates = new bytes[](1);
        updates[0] = _update(BOUNDARY, BOUNDARY - 1);
        uint256[3] memory boundaries = [block.timestamp + 1, BOUNDARY + 2 ** 64, type(uint256).max];
        for (uint256 i; i < 3; ++i) {
            vm.expectRevert(
                abi.encodeWithSelector(IPythAdapter.BoundaryNotReached.selector, boundaries[i], block.timestamp)
            );
            adapter.verify{value: FEE}(_report(updates, _list(BTC), boundaries[i]));
        }
    }

    /// @notice What is no report at all is refused.
    function test_RevertWhen_ReportIsNotDecodable() public {
        vm.expectRevert();
        adapter.verify{value: FEE}(hex"1234");
    }

    /// @notice The oracle passes the fee on, and stores what the update proves.
    function test_PostThroughTheOracle() public {
        IOracle oracle = IOracle(deploy("BoundaryOracle.sol:BoundaryOracle", abi.encode(address(this))));
        oracle.registerFeed(BTC, address(adapter), 300);
        bytes memory report = _report(_update(BOUNDARY + 1, BOUNDARY - 1));
        vm.expectRevert(abi.encodeWithSelector(IPythAdapter.WrongFee.selector, FEE + 1, FEE));
        oracle.post{value: FEE + 1}(address(adapter), report);
        assertEq(1, oracle.post{value: FEE}(address(adapter), report));
        (BoundaryStatus status, uint256 price) = oracle.boundaryOf(BTC, BOUNDARY);
        assertEq(uint256(BoundaryStatus.POSTED), uint256(status));
        assertEq(PRICE, price);
        assertEq(FEE, address(mock).balance);
        assertEq(0, address(oracle).balance);
    }

    function _scaled(int64 value, int32 exponent) private view returns (bytes memory) {
        return _update(BTC_ID, value, 0, exponent, BOUNDARY, BOUNDARY - 1);
    }

    function _assertPrice(uint256 expected, bytes memory report) private {
        BoundaryPrice[] memory prices = adapter.verify{value: FEE}(report);
        assertEq(1, prices.length);
        assertEq(abi.encode(BoundaryPrice(BTC, BOUNDARY, expected)), abi.encode(prices[0]));
    }

    function _assertNotInRange(bytes memory report) private {
        vm.expectRevert(PythErrors.PriceFeedNotFoundWithinRange.selector);
        adapter.verify{value: FEE}(report);
    }

    function _assertRefused(bytes memory update, bytes memory expected) private {
        vm.expectRevert(expected);
        adapter.verify{value: FEE}(_report(update));
    }

    function _assertNotDeployed(bytes memory expected) private {
        vm.expectRevert(expected);
        _deployAdapter(address(pyth), GAP, CONFIDENCE_BPS);
    }
}
