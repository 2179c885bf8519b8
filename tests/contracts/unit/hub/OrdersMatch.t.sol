// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC6909} from "@openzeppelin/contracts/interfaces/IERC6909.sol";

import {Side} from "../../../../contracts/interfaces/IEpochHub.sol";
import {IOrderBook, MakerFill, Order} from "../../../../contracts/interfaces/IOrderBook.sol";
import {HubFixture} from "../../support/HubFixture.sol";
import {OrderFixture} from "../../support/OrderFixture.sol";

abstract contract OrdersMatchTest is OrderFixture {
    /// @notice A buyer and a seller of one side swap shares for collateral; no set is made.
    function test_ComplementaryBuyerTakes() public {
        Order memory taker = _buyOrder(alice, Side.YES, 600, 10 * ONE);
        Order memory maker = _sellOrder(carol, Side.YES, 550, 10 * ONE);
        vm.expectEmit(address(hub));
        emit IERC6909.Transfer(operator, carol, alice, _idOf(1, Side.YES), 10 * ONE);
        _expectFilled(maker, 10 * ONE, 55 * ONE / 10, 0);
        _expectFilled(taker, 10 * ONE, 55 * ONE / 10, 0);
        (uint256 size, uint256 amount) = _match(taker, maker, 10 * ONE);

        assertEq(10 * ONE, size);
        assertEq(55 * ONE / 10, amount);
        _assertShares(alice, 10 * ONE, 0);
        _assertShares(carol, 90 * ONE, 100 * ONE);
        assertEq(9945 * ONE / 10, hub.collateralOf(alice));
        assertEq(9055 * ONE / 10, hub.collateralOf(carol));
        _assertSets(300 * ONE);
        _assertSolvent();
    }

    /// @notice A seller takes a buyer's order at the buyer's price.
    function test_ComplementarySellerTakes() public {
        Order memory taker = _sellOrder(carol, Side.NO, 300, 10 * ONE);
        Order memory maker = _buyOrder(alice, Side.NO, 450, 10 * ONE);
        vm.expectEmit(address(hub));
        emit IERC6909.Transfer(operator, carol, alice, _idOf(1, Side.NO), 10 * ONE);
        (, uint256 amount) = _match(taker, maker, 10 * ONE);

        assertEq(45 * ONE / 10, amount);
        _assertShares(alice, 0, 10 * ONE);
        _assertShares(carol, 100 * ONE, 90 * ONE);
        assertEq(9955 * ONE / 10, hub.collateralOf(alice));
        assertEq(9045 * ONE / 10, hub.collateralOf(carol));
        _assertSets(300 * ONE);
    }

    /// @notice A buyer of YES and a buyer of NO make sets: together they pay exactly one unit for each.
    function test_Mint() public {
        Order memory taker = _buyOrder(alice, Side.YES, 650, 10 * ONE);
        Order memory maker = _buyOrder(bob, Side.NO, 400, 10 * ONE);
        vm.expectEmit(address(hub));
        emit IERC6909.Transfer(operator, address(0), bob, _idOf(1, Side.NO), 10 * ONE);
        _expectFilled(maker, 10 * ONE, 4 * ONE, 0);
        vm.expectEmit(address(hub));
        emit IERC6909.Transfer(operator, address(0), alice, _idOf(1, Side.YES), 10 * ONE);
        _expectFilled(taker, 10 * ONE, 6 * ONE, 0);
        _match(taker, maker, 10 * ONE);

        _assertShares(alice, 10 * ONE, 0);
        _assertShares(bob, 0, 10 * ONE);
        assertEq(994 * ONE, hub.collateralOf(alice));
        assertEq(996 * ONE, hub.collateralOf(bob));
        _assertSets(310 * ONE);
        _assertSolvent();
    }

    /// @notice A seller of YES and a seller of NO take sets apart: together they are paid exactly one unit for each.
    function test_Merge() public {
        Order memory taker = _sellOrder(carol, Side.NO, 300, 10 * ONE);
        Order memory maker = _sellOrder(dave, Side.YES, 600, 10 * ONE);
        vm.expectEmit(address(hub));
        emit IERC6909.Transfer(operator, dave, address(0), _idOf(1, Side.YES), 10 * ONE);
        _expectFilled(maker, 10 * ONE, 6 * ONE, 0);
        vm.expectEmit(address(hub));
        emit IERC6909.Transfer(operator, carol, address(0), _idOf(1, Side.NO), 10 * ONE);
        _expectFilled(taker, 10 * ONE, 4 * ONE, 0);
        _match(taker, maker, 10 * ONE);

        _assertShares(carol, 100 * ONE, 90 * ONE);
        _assertShares(dave, 90 * ONE, 100 * ONE);
        assertEq(904 * ONE, hub.collateralOf(carol));
        assertEq(906 * ONE, hub.collateralOf(dave));
        _assertSets(290 * ONE);
        _assertSolvent();
    }

    /// @notice One buyer is filled by a seller and by a buyer of the other side, each at its own price.
    function test_OneBuyerAgainstMakersOfBothKinds() public {
        Order memory taker = _buyOrder(alice, Side.YES, 600, 30 * ONE);
        MakerFill[] memory fills = new MakerFill[](3);
        fills[0] = _fill(_sellOrder(carol, Side.YES, 500, 10 * ONE), 10 * ONE, 0);
        fills[1] = _fill(_buyOrder(bob, Side.NO, 450, 10 * ONE), 10 * ONE, 0);
        fills[2] = _fill(_sellOrder(dave, Side.YES, 600, 10 * ONE), 10 * ONE, 0);
        (uint256 size, uint256 amount) = _match(taker, 0, fills);

        assertEq(30 * ONE, size);
        assertEq(165 * ONE / 10, amount);
        _assertShares(alice, 30 * ONE, 0);
        _assertShares(bob, 0, 10 * ONE);
        assertEq(905 * ONE, hub.collateralOf(carol));
        assertEq(906 * ONE, hub.collateralOf(dave));
        assertEq(9955 * ONE / 10, hub.collateralOf(bob));
        _assertSets(310 * ONE);
        _assertSolvent();
    }

    /// @notice One seller is filled by a buyer and by a seller of the other side, each at its own price.
    function test_OneSellerAgainstMakersOfBothKinds() public {
        Order memory taker = _sellOrder(carol, Side.YES, 400, 20 * ONE);
        MakerFill[] memory fills = new MakerFill[](2);
        fills[0] = _fill(_buyOrder(bob, Side.YES, 500, 10 * ONE), 10 * ONE, 0);
        fills[1] = _fill(_sellOrder(dave, Side.NO, 600, 10 * ONE), 10 * ONE, 0);
        (, uint256 amount) = _match(taker, 0, fills);

        assertEq(9 * ONE, amount);
        _assertShares(carol, 80 * ONE, 100 * ONE);
        _assertShares(bob, 10 * ONE, 0);
        _assertShares(dave, 100 * ONE, 90 * ONE);
        _assertSets(290 * ONE);
        _assertSolvent();
    }

    /// @notice Parts of an order add up in one place until it is filled.
    function test_PartialFills() public {
        Order memory taker = _buyOrder(alice, Side.YES, 500, 10 * ONE);
        Order memory maker = _buyOrder(bob, Side.NO, 500, 10 * ONE);
        _match(taker, maker, 3 * ONE);
        _assertFilled(taker, 3 * ONE);
        _assertFilled(maker, 3 * ONE);
        _match(_buyOrder(carol, Side.YES, 500, 10 * ONE), maker, 7 * ONE);
        _assertFilled(maker, 10 * ONE);
        _assertFilled(taker, 3 * ONE);
    }

    /// @notice A maker's order can come twice in one match; its parts add up.
    function test_OneMakerOrderTwice() public {
        Order memory maker = _buyOrder(bob, Side.NO, 500, 10 * ONE);
        MakerFill[] memory fills = new MakerFill[](2);
        fills[0] = _fill(maker, 4 * ONE, 0);
        fills[1] = _fill(maker, 6 * ONE, 0);
        _match(_buyOrder(alice, Side.YES, 500, 10 * ONE), 0, fills);
        _assertFilled(maker, 10 * ONE);
    }

    /// @notice An order's part is one slot of storage, written by its fills alone.
    function test_OneSlotForAnOrder() public {
        Order memory taker = _buyOrder(alice, Side.YES, 500, 10 * ONE);
        Order memory maker = _buyOrder(bob, Side.NO, 500, 10 * ONE);
        _match(taker, maker, ONE);
        vm.record();
        _match(taker, maker, ONE);
        (, bytes32[] memory writes) = vm.accesses(address(hub));
        // Two orders, two accounts, two positions, the epoch; collateral is paid before shares come.
        assertEq(7, writes.length);
    }

    /// @notice The smallest part at the extremes of price costs a whole number: nothing is rounded.
    function test_SmallestFillIsExact() public {
        _match(_buyOrder(alice, Side.YES, 1, 1000), _buyOrder(bob, Side.NO, 999, 1000), 1000);
        assertEq(1000 * ONE - 1, hub.collateralOf(alice));
        assertEq(1000 * ONE - 999, hub.collateralOf(bob));
        _assertSolvent();
    }

    /// @notice Fees come on top of what a buyer pays, off what a seller is paid, and go to the operator that matched.
    function test_FeesGoToTheOperator() public {
        Order memory taker = _buyOrder(alice, Side.YES, 500, 10 * ONE);
        Order memory maker = _sellOrder(carol, Side.YES, 500, 10 * ONE);
        MakerFill[] memory fills = new MakerFill[](1);
        fills[0] = _fill(maker, 10 * ONE, ONE / 20);
        _expectFilled(maker, 10 * ONE, 5 * ONE, ONE / 20);
        _expectFilled(taker, 10 * ONE, 5 * ONE, ONE / 10);
        vm.expectEmit(address(hub));
        emit IOrderBook.FeesCharged(operator, 3 * ONE / 20);
        _match(taker, ONE / 10, fills);

        assertEq(995 * ONE - ONE / 10, hub.collateralOf(alice));
        assertEq(905 * ONE - ONE / 20, hub.collateralOf(carol));
        assertEq(3 * ONE / 20, hub.collateralOf(operator));
        _assertSolvent();
    }

    /// @notice A cap of ten thousand basis points and more is all that there is, and no more.
    function test_FeeCapIsAtMostTheAmount() public {
        Order memory taker = _sellOrder(carol, Side.YES, 500, 10 * ONE);
        taker.feeBpsMax = type(uint256).max;
        _match(taker, 5 * ONE, _fills(_buyOrder(alice, Side.YES, 500, 10 * ONE), 10 * ONE));
        assertEq(900 * ONE, hub.collateralOf(carol));
        assertEq(5 * ONE, hub.collateralOf(operator));
    }

    /// @notice An epoch to come can be traded, and one in its last second.
    function test_OrdersOfEpochsToCome() public {
        Order memory taker = _buyOrder(alice, Side.YES, 500, ONE);
        Order memory maker = _buyOrder(bob, Side.NO, 500, ONE);
        (taker.epoch, maker.epoch) = (7, 7);
        _match(taker, maker, ONE);
        (uint256 yesShares,) = hub.positionOf(marketId, 7, alice);
        assertEq(ONE, yesShares);
        vm.warp(_endOf(1) - 1);
        _match(_buyOrder(alice, Side.YES, 500, ONE), _buyOrder(bob, Side.NO, 500, ONE), ONE);
        _assertShares(alice, ONE, 0);
    }

    /// @notice What a match made is redeemed as any share is.
    function test_MatchedSharesAreRedeemed() public {
        _match(_buyOrder(alice, Side.YES, 600, 10 * ONE), _buyOrder(bob, Side.NO, 400, 10 * ONE), 10 * ONE);
        _resolve(1, PRICE, PRICE + 1);
        assertEq(10 * ONE, hub.redeemFor(alice, marketId, _one(1)));
        assertEq(0, hub.redeemFor(bob, marketId, _one(1)));
        _assertSolvent();
    }

    function _expectFilled(Order memory order, uint256 size, uint256 amount, uint256 fee) private {
        vm.expectEmit(address(hub));
        emit IOrderBook.OrderFilled(
            _hash(order), order.maker, order.marketId, order.epoch, order.side, order.isBuy, size, amount, fee
        );
    }

    function _assertFilled(Order memory order, uint256 expected) private view {
        (uint256 filled,,) = hub.orderState(_hash(order));
        assertEq(expected, filled);
    }
}

contract OrdersMatch18Test is OrdersMatchTest {
    constructor() HubFixture(18) {}
}

contract OrdersMatch6Test is OrdersMatchTest {
    constructor() HubFixture(6) {}
}
