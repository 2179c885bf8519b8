// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Side} from "../../../contracts/interfaces/IEpochHub.sol";
import {IOrderBook, Order} from "../../../contracts/interfaces/IOrderBook.sol";
import {HubFixture} from "../support/HubFixture.sol";
import {OrderFixture} from "../support/OrderFixture.sol";

/// @notice What is recorded of an account and its orders, turned against it.
contract KnownFailuresOrdersRecordedTest is OrderFixture {
    Order private taker;
    Order private maker;

    constructor() HubFixture(6) {}

    function setUp() public override {
        super.setUp();
        taker = _buyOrder(alice, Side.YES, 600, 10 * ONE);
        maker = _sellOrder(carol, Side.YES, 500, 10 * ONE);
    }

    /// @notice A cancelled order stays cancelled, whoever registers it before or after.
    function test_CancelledOrderIsNotRevivedByRegistering() public {
        bytes memory signature = _signatureOf(maker);
        vm.prank(carol);
        hub.cancelOrder(maker);
        hub.registerOrder(maker, signature);
        bytes memory expected = abi.encodeWithSelector(IOrderBook.OrderIsCancelled.selector, _hash(maker));
        _refused(expected, taker, maker, ONE);
        vm.prank(carol);
        hub.registerOrder(maker, "");
        _refused(expected, taker, maker, ONE);
    }

    /// @notice A floor holds for registered orders, before and after they are registered.
    function test_RegisteredOrderDoesNotPassTheNonceFloor() public {
        bytes memory signature = _signatureOf(maker);
        vm.prank(carol);
        hub.cancelOrdersBelow(5);
        hub.registerOrder(maker, signature);
        bytes memory expected = abi.encodeWithSelector(IOrderBook.NonceTooLow.selector, carol, 0, 5);
        _refused(expected, taker, maker, ONE);
    }

    /// @notice A registered order is still bound by its expiry and its size.
    function test_RegisteredOrderEndsAsAnyOther() public {
        maker.expiry = GENESIS + 5;
        hub.registerOrder(maker, _signatureOf(maker));
        vm.warp(GENESIS + 6);
        bytes memory expected =
            abi.encodeWithSelector(IOrderBook.OrderExpired.selector, _hash(maker), GENESIS + 5, GENESIS + 6);
        _refused(expected, taker, maker, ONE);
    }

    /// @notice Nobody is put into trading mode by others, and nobody's funds are held there for longer than the delay:
    /// what others send comes under the same announcement.
    function test_TradingModeTrapsNobody() public {
        vm.prank(carol);
        hub.enterTradingMode();
        assertFalse(hub.isTrading(alice));
        // Alice is free, whatever Carol is in; what she pays to Carol is Carol's, who gets at all of it in time.
        uint256 alices = hub.collateralOf(alice);
        vm.startPrank(alice);
        hub.deposit(carol, 7 * ONE);
        hub.withdraw(alice, alices);
        vm.stopPrank();
        uint256 carols = hub.collateralOf(carol);
        vm.startPrank(carol);
        hub.requestRelease(0, carols);
        vm.stopPrank();
        vm.prank(bob);
        hub.deposit(carol, ONE);
        vm.warp(block.timestamp + DELAY);
        vm.prank(carol);
        hub.withdraw(carol, carols);
        assertEq(ONE, hub.collateralOf(carol));
    }

    /// @notice Small payments to an account neither put its announcements off nor use them up.
    function test_SpecksDoNotPutAReleaseOff() public {
        vm.startPrank(carol);
        hub.enterTradingMode();
        hub.requestRelease(0, 100 * ONE);
        vm.stopPrank();
        (uint256 amount, uint256 readyAt) = hub.releaseOf(carol, 0);
        vm.warp(block.timestamp + 30);
        vm.startPrank(bob);
        hub.deposit(carol, 1);
        hub.transferFrom(carol, bob, _idOf(1, Side.YES), 0);
        vm.stopPrank();
        (uint256 amountAfter, uint256 readyAfter) = hub.releaseOf(carol, 0);
        assertEq(amount, amountAfter);
        assertEq(readyAt, readyAfter);
    }
}
