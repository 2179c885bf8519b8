// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Side} from "../../../../contracts/interfaces/IEpochHub.sol";
import {IOrderBook, Order} from "../../../../contracts/interfaces/IOrderBook.sol";
import {HubFixture} from "../../support/HubFixture.sol";
import {OrderFixture} from "../../support/OrderFixture.sol";

/// @notice How orders are taken back, and who may settle them.
contract OrdersCancelTest is OrderFixture {
    Order private taker;
    Order private maker;

    constructor() HubFixture(6) {}

    function setUp() public override {
        super.setUp();
        taker = _buyOrder(alice, Side.YES, 600, 10 * ONE);
        maker = _buyOrder(bob, Side.NO, 400, 10 * ONE);
    }

    /// @notice Outside trading mode an order is cancelled at once, for good.
    function test_CancelAtOnce() public {
        vm.expectEmit(address(hub));
        emit IOrderBook.OrderCancelled(_hash(maker), bob, GENESIS);
        vm.prank(bob);
        assertEq(GENESIS, hub.cancelOrder(maker));
        (, uint256 cancelledAt,) = hub.orderState(_hash(maker));
        assertEq(GENESIS, cancelledAt);
        _refusedAsCancelled();
        vm.warp(GENESIS + 200);
        _refusedAsCancelled();
    }

    /// @notice What was settled before the cancellation stays.
    function test_CancelTheRest() public {
        _match(taker, maker, 4 * ONE);
        vm.prank(bob);
        hub.cancelOrder(maker);
        _refusedAsCancelled();
        (uint256 filled,,) = hub.orderState(_hash(maker));
        assertEq(4 * ONE, filled);
        _assertShares(bob, 0, 4 * ONE);
    }

    /// @notice In trading mode a cancellation waits; until then the order is settled.
    function test_CancelInTradingMode() public {
        vm.startPrank(bob);
        hub.enterTradingMode();
        vm.expectEmit(address(hub));
        emit IOrderBook.OrderCancelled(_hash(maker), bob, GENESIS + DELAY);
        assertEq(GENESIS + DELAY, hub.cancelOrder(maker));
        vm.stopPrank();
        vm.warp(GENESIS + DELAY - 1);
        _match(taker, maker, ONE);
        vm.warp(GENESIS + DELAY);
        _refusedAsCancelled();
    }

    /// @notice A cancellation that waits is not made again, nor sooner, even out of trading mode.
    function test_RevertWhen_CancellingTwice() public {
        vm.startPrank(bob);
        hub.enterTradingMode();
        hub.leaveTradingMode();
        vm.warp(GENESIS + DELAY - 1);
        hub.cancelOrder(maker);
        vm.warp(GENESIS + DELAY);
        assertFalse(hub.isTrading(bob));
        vm.expectRevert(abi.encodeWithSelector(IOrderBook.OrderIsCancelled.selector, _hash(maker)));
        hub.cancelOrder(maker);
        vm.stopPrank();
        _match(taker, maker, ONE);
    }

    /// @notice Only its maker cancels an order.
    function test_RevertWhen_CancellingAnothersOrder() public {
        vm.expectRevert(abi.encodeWithSelector(IOrderBook.NotMaker.selector, operator, bob));
        vm.prank(operator);
        hub.cancelOrder(maker);
        _match(taker, maker, ONE);
    }

    /// @notice A nonce floor cancels everything below it, of its maker alone, and nothing at it.
    function test_CancelBelow() public {
        (maker.nonce, taker.nonce) = (5, 4);
        vm.expectEmit(address(hub));
        emit IOrderBook.NonceFloorRaised(bob, 5, GENESIS);
        vm.prank(bob);
        assertEq(GENESIS, hub.cancelOrdersBelow(5));
        assertEq(5, hub.nonceFloorOf(bob));
        assertEq(0, hub.nonceFloorOf(alice));
        _match(taker, maker, ONE);
        maker.nonce = 4;
        _refused(abi.encodeWithSelector(IOrderBook.NonceTooLow.selector, bob, 4, 5), taker, maker, ONE);
    }

    /// @notice In trading mode the floor rises late; until then the old one holds.
    function test_CancelBelowInTradingMode() public {
        maker.nonce = 4;
        vm.prank(bob);
        hub.cancelOrdersBelow(3);
        vm.prank(bob);
        hub.enterTradingMode();
        vm.prank(bob);
        assertEq(GENESIS + DELAY, hub.cancelOrdersBelow(5));
        vm.warp(GENESIS + DELAY - 1);
        assertEq(3, hub.nonceFloorOf(bob));
        _match(taker, maker, ONE);
        vm.warp(GENESIS + DELAY);
        assertEq(5, hub.nonceFloorOf(bob));
        _refused(abi.encodeWithSelector(IOrderBook.NonceTooLow.selector, bob, 4, 5), taker, maker, ONE);
    }

    /// @notice While one floor waits there is no other, so that none is lost and none comes early.
    function test_RevertWhen_AFloorIsPending() public {
        vm.startPrank(bob);
        hub.enterTradingMode();
        hub.cancelOrdersBelow(5);
        vm.warp(GENESIS + DELAY - 1);
        vm.expectRevert(abi.encodeWithSelector(IOrderBook.NonceFloorPending.selector, 5, GENESIS + DELAY));
        hub.cancelOrdersBelow(6);
        assertEq(0, hub.nonceFloorOf(bob));
        vm.warp(GENESIS + DELAY);
        hub.cancelOrdersBelow(6);
        assertEq(5, hub.nonceFloorOf(bob));
    }

    /// @notice A floor rises, and ends at 2^32 - 1.
    function test_RevertWhen_FloorIsOutOfRange() public {
        uint256 most = type(uint32).max;
        vm.startPrank(bob);
        vm.expectRevert(abi.encodeWithSelector(IOrderBook.NonceFloorOutOfRange.selector, 0, 1, most));
        hub.cancelOrdersBelow(0);
        vm.expectRevert(abi.encodeWithSelector(IOrderBook.NonceFloorOutOfRange.selector, most + 1, 1, most));
        hub.cancelOrdersBelow(most + 1);
        hub.cancelOrdersBelow(7);
        vm.expectRevert(abi.encodeWithSelector(IOrderBook.NonceFloorOutOfRange.selector, 7, 8, most));
        hub.cancelOrdersBelow(7);
        hub.cancelOrdersBelow(most);
        assertEq(most, hub.nonceFloorOf(bob));
    }

    /// @notice The owner names operators and dismisses them; nobody else does.
    function test_OperatorsAreTheOwners() public {
        vm.expectEmit(address(hub));
        emit IOrderBook.MatchOperatorSet(operator, false);
        vm.prank(owner);
        hub.setMatchOperator(operator, false);
        assertFalse(hub.isMatchOperator(operator));
        _refused(abi.encodeWithSelector(IOrderBook.NotMatchOperator.selector, operator), taker, maker, ONE);

        address[3] memory others = [operator, guardian, creator];
        for (uint256 i; i < others.length; ++i) {
            vm.expectRevert(abi.encodeWithSignature("OwnableUnauthorizedAccount(address)", others[i]));
            vm.prank(others[i]);
            hub.setMatchOperator(operator, true);
        }
    }

    function _refusedAsCancelled() private {
        _refused(abi.encodeWithSelector(IOrderBook.OrderIsCancelled.selector, _hash(maker)), taker, maker, ONE);
    }
}
