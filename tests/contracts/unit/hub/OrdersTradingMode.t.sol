// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ICollateralLedger} from "../../../../contracts/interfaces/ICollateralLedger.sol";
import {Side} from "../../../../contracts/interfaces/IEpochHub.sol";
import {Order} from "../../../../contracts/interfaces/IOrderBook.sol";
import {HubFixture} from "../../support/HubFixture.sol";
import {OrderFixture} from "../../support/OrderFixture.sol";

/// @notice What an account in trading mode may still do, and when.
contract OrdersTradingModeTest is OrderFixture {
    constructor() HubFixture(6) {}

    /// @notice Trading mode is entered at once and left late.
    function test_EnterAndLeave() public {
        assertFalse(hub.isTrading(carol));
        assertEq(0, hub.tradingUntil(carol));
        vm.expectEmit(address(hub));
        emit ICollateralLedger.TradingModeEntered(carol);
        vm.startPrank(carol);
        hub.enterTradingMode();
        assertTrue(hub.isTrading(carol));
        assertEq(type(uint40).max, hub.tradingUntil(carol));

        vm.expectEmit(address(hub));
        emit ICollateralLedger.TradingModeLeft(carol, GENESIS + DELAY);
        hub.leaveTradingMode();
        assertEq(GENESIS + DELAY, hub.tradingUntil(carol));
        vm.warp(GENESIS + DELAY - 1);
        assertTrue(hub.isTrading(carol));
        vm.warp(GENESIS + DELAY);
        assertFalse(hub.isTrading(carol));
        hub.withdraw(carol, hub.collateralOf(carol));
    }

    /// @notice Who is leaving can come back, and waits again when it leaves again.
    function test_EnterAgainWhileLeaving() public {
        vm.startPrank(carol);
        hub.enterTradingMode();
        hub.leaveTradingMode();
        vm.warp(GENESIS + 30);
        hub.enterTradingMode();
        vm.warp(GENESIS + DELAY);
        assertTrue(hub.isTrading(carol));
        hub.leaveTradingMode();
        vm.warp(GENESIS + 2 * DELAY - 1);
        assertTrue(hub.isTrading(carol));
        vm.warp(GENESIS + 2 * DELAY);
        assertFalse(hub.isTrading(carol));
    }

    /// @notice Trading mode is not entered twice, nor left by who is not in it or is leaving already.
    function test_RevertWhen_EnteringOrLeavingTwice() public {
        vm.startPrank(carol);
        vm.expectRevert(abi.encodeWithSelector(ICollateralLedger.NotTrading.selector, carol));
        hub.leaveTradingMode();
        hub.enterTradingMode();
        vm.expectRevert(abi.encodeWithSelector(ICollateralLedger.AlreadyTrading.selector, carol));
        hub.enterTradingMode();
        hub.leaveTradingMode();
        vm.expectRevert(abi.encodeWithSelector(ICollateralLedger.NotTrading.selector, carol));
        hub.leaveTradingMode();
    }

    /// @notice What has been announced in time is spent, in parts, and no more than that.
    function test_SpendWhatWasReleased() public {
        vm.startPrank(carol);
        hub.enterTradingMode();
        _expectNotReleased(0, 30 * ONE, 0, 0);
        hub.withdraw(carol, 30 * ONE);

        vm.expectEmit(address(hub));
        emit ICollateralLedger.ReleaseRequested(carol, 0, 50 * ONE, GENESIS + DELAY);
        hub.requestRelease(0, 50 * ONE);
        (uint256 amount, uint256 readyAt) = hub.releaseOf(carol, 0);
        assertEq(50 * ONE, amount);
        assertEq(GENESIS + DELAY, readyAt);
        vm.warp(GENESIS + DELAY - 1);
        _expectNotReleased(0, 30 * ONE, 50 * ONE, GENESIS + DELAY);
        hub.withdraw(carol, 30 * ONE);

        vm.warp(GENESIS + DELAY);
        vm.expectEmit(address(hub));
        emit ICollateralLedger.ReleaseSpent(carol, 0, 30 * ONE);
        hub.withdraw(carol, 30 * ONE);
        (amount,) = hub.releaseOf(carol, 0);
        assertEq(20 * ONE, amount);
        _expectNotReleased(0, 20 * ONE + 1, 20 * ONE, GENESIS + DELAY);
        hub.split(marketId, 1, 20 * ONE + 1);
        hub.split(marketId, 1, 20 * ONE);
    }

    /// @notice A new announcement takes the place of the one before, and waits for itself.
    function test_AnnouncingAgainReplaces() public {
        vm.startPrank(carol);
        hub.enterTradingMode();
        hub.requestRelease(0, 50 * ONE);
        vm.warp(GENESIS + DELAY);
        hub.requestRelease(0, 20 * ONE);
        _expectNotReleased(0, ONE, 20 * ONE, GENESIS + 2 * DELAY);
        hub.withdraw(carol, ONE);
    }

    /// @notice A release is of one asset: a side of an epoch frees neither the other side nor collateral.
    function test_ReleasesAreApart() public {
        uint256 id = _idOf(1, Side.YES);
        vm.startPrank(carol);
        hub.enterTradingMode();
        hub.requestRelease(id, 10 * ONE);
        vm.warp(GENESIS + DELAY);
        _expectNotReleased(id + 1, ONE, 0, 0);
        hub.transfer(bob, id + 1, ONE);
        _expectNotReleased(id + 1, ONE, 0, 0);
        hub.merge(marketId, 1, ONE);
        _expectNotReleased(0, ONE, 0, 0);
        hub.fundHouse(marketId, ONE);
        hub.transfer(bob, id, 10 * ONE);
        _assertShares(bob, 10 * ONE, 0);
    }

    /// @notice A release is no promise: an order that settles before it comes first.
    function test_OrdersComeBeforeReleases() public {
        uint256 id = _idOf(1, Side.YES);
        Order memory order = _sellOrder(carol, Side.YES, 500, 100 * ONE);
        vm.startPrank(carol);
        hub.enterTradingMode();
        hub.requestRelease(id, 100 * ONE);
        vm.stopPrank();
        vm.warp(GENESIS + DELAY);
        _match(_buyOrder(alice, Side.YES, 500, 100 * ONE), order, 60 * ONE);
        vm.prank(carol);
        hub.transfer(bob, id, 40 * ONE);
        _assertShares(carol, 0, 100 * ONE);
    }

    /// @notice Only who is in trading mode announces anything.
    function test_RevertWhen_ReleasingOutsideTradingMode() public {
        vm.expectRevert(abi.encodeWithSelector(ICollateralLedger.NotTrading.selector, carol));
        vm.prank(carol);
        hub.requestRelease(0, ONE);
    }

    /// @notice An announcement is of what can be.
    function test_RevertWhen_ReleasingMoreThanThereIs() public {
        uint256 most = type(uint128).max;
        vm.startPrank(carol);
        hub.enterTradingMode();
        hub.requestRelease(0, most);
        vm.expectRevert(abi.encodeWithSelector(ICollateralLedger.ReleaseTooLarge.selector, most + 1, most));
        hub.requestRelease(0, most + 1);
    }

    /// @notice What others may do for an account is bound by its mode as well: its operators and its allowances.
    function test_RevertWhen_AnOperatorSpendsWhatIsNotReleased() public {
        uint256 id = _idOf(1, Side.YES);
        vm.startPrank(carol);
        hub.enterTradingMode();
        hub.setOperator(bob, true);
        hub.approve(alice, id, NEVER);
        vm.stopPrank();
        address[2] memory spenders = [bob, alice];
        for (uint256 i; i < spenders.length; ++i) {
            vm.prank(spenders[i]);
            _expectNotReleased(id, ONE, 0, 0);
            hub.transferFrom(carol, spenders[i], id, ONE);
        }
    }

    /// @notice What comes in is never held up: deposits, purchases from the wallet, shares of others, ended epochs.
    function test_WhatComesInIsFree() public {
        vm.prank(carol);
        hub.enterTradingMode();
        _deposit(carol, ONE);
        vm.prank(carol);
        facade.buyYes(ONE);
        vm.prank(dave);
        hub.transfer(carol, _idOf(1, Side.NO), ONE);
        _resolve(1, PRICE, PRICE - 1);
        assertEq(101 * ONE, hub.redeemFor(carol, marketId, _one(1)));
        assertTrue(hub.isTrading(carol));
    }

    function _expectNotReleased(uint256 id, uint256 needed, uint256 released, uint256 readyAt) private {
        vm.expectRevert(
            abi.encodeWithSelector(ICollateralLedger.NotReleased.selector, carol, id, needed, released, readyAt)
        );
    }
}
