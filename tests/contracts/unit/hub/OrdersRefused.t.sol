// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ICollateralLedger} from "../../../../contracts/interfaces/ICollateralLedger.sol";
import {ICompleteSets} from "../../../../contracts/interfaces/ICompleteSets.sol";
import {Side} from "../../../../contracts/interfaces/IEpochHub.sol";
import {IOrderBook, MakerFill, Order, SignedOrder} from "../../../../contracts/interfaces/IOrderBook.sol";
import {HubFixture} from "../../support/HubFixture.sol";
import {OrderFixture} from "../../support/OrderFixture.sol";

/// @notice Every match that is refused says why, and changes nothing.
contract OrdersRefusedTest is OrderFixture {
    Order private taker;
    Order private maker;

    constructor() HubFixture(6) {}

    function setUp() public override {
        super.setUp();
        taker = _buyOrder(alice, Side.YES, 600, 10 * ONE);
        maker = _buyOrder(bob, Side.NO, 400, 10 * ONE);
    }

    /// @notice The fixture's two orders match: what the tests change of them is why they are refused.
    function test_TheUnchangedOrdersMatch() public {
        _match(taker, maker, 10 * ONE);
        _assertShares(alice, 10 * ONE, 0);
    }

    /// @notice Only operators match.
    function test_RevertWhen_CallerIsNoOperator() public {
        operator = alice;
        _refused(abi.encodeWithSelector(IOrderBook.NotMatchOperator.selector, alice), taker, maker, ONE);
        operator = owner;
        _refused(abi.encodeWithSelector(IOrderBook.NotMatchOperator.selector, owner), taker, maker, ONE);
    }

    /// @notice A taker alone is no match.
    function test_RevertWhen_ThereAreNoFills() public {
        _refused(abi.encodeWithSelector(IOrderBook.NoFills.selector), taker, 0, new MakerFill[](0));
    }

    /// @notice A pause stops matches; cancellation and registration go on.
    function test_RevertWhen_TradingIsPaused() public {
        vm.prank(guardian);
        hub.setTradingPaused(true);
        _refused(abi.encodeWithSelector(ICollateralLedger.TradingIsPaused.selector), taker, maker, ONE);
        hub.registerOrder(taker, _signatureOf(taker));
        vm.startPrank(bob);
        hub.cancelOrder(maker);
        hub.cancelOrdersBelow(1);
    }

    /// @notice A market that does not exist has no book.
    function test_RevertWhen_MarketIsUnknown() public {
        (taker.marketId, maker.marketId) = (2, 2);
        _refused(abi.encodeWithSelector(ICompleteSets.UnknownMarket.selector, 2), taker, maker, ONE);
        (taker.marketId, maker.marketId) = (0, 0);
        _refused(abi.encodeWithSelector(ICompleteSets.UnknownMarket.selector, 0), taker, maker, ONE);
    }

    /// @notice An epoch's book closes with the epoch, whatever its orders' expiry.
    function test_RevertWhen_EpochHasEnded() public {
        (taker.expiry, maker.expiry) = (NEVER, NEVER);
        vm.warp(_endOf(1));
        _refused(abi.encodeWithSelector(ICompleteSets.EpochEnded.selector, 1, _endOf(1)), taker, maker, ONE);
    }

    /// @notice Epochs that cannot be have no book.
    function test_RevertWhen_EpochIsOutOfRange() public {
        (taker.epoch, maker.epoch) = (0, 0);
        uint256 most = (1 << 40) - 1;
        _refused(abi.encodeWithSelector(ICompleteSets.EpochOutOfRange.selector, 0, most), taker, maker, ONE);
        (taker.epoch, maker.epoch) = (most + 1, most + 1);
        _refused(abi.encodeWithSelector(ICompleteSets.EpochOutOfRange.selector, most + 1, most), taker, maker, ONE);
    }

    /// @notice Nobody trades with itself.
    function test_RevertWhen_MakerIsTaker() public {
        maker.maker = alice;
        _refused(abi.encodeWithSelector(IOrderBook.SelfMatch.selector, alice), taker, maker, ONE);
    }

    /// @notice Orders of different markets or epochs do not meet.
    function test_RevertWhen_BooksDiffer() public {
        maker.epoch = 2;
        _refused(_twoHashes(IOrderBook.DifferentBooks.selector), taker, maker, ONE);
        (maker.epoch, maker.marketId) = (1, _createMarket("ETH", GENESIS, LIQUIDITY, 0));
        _refused(_twoHashes(IOrderBook.DifferentBooks.selector), taker, maker, ONE);
    }

    /// @notice Two buyers of one side, and a buyer and a seller of different sides, have nothing to give each other.
    function test_RevertWhen_KindsDoNotCross() public {
        maker.side = Side.YES;
        _refused(_twoHashes(IOrderBook.OrdersDoNotCross.selector), taker, maker, ONE);
        (maker.maker, maker.side, maker.isBuy) = (carol, Side.NO, false);
        _refused(_twoHashes(IOrderBook.OrdersDoNotCross.selector), taker, maker, ONE);
    }

    /// @notice Prices must meet, in each kind of match, to the tick.
    function test_RevertWhen_PricesDoNotCross() public {
        maker.price = _at(399);
        _refused(_twoHashes(IOrderBook.OrdersDoNotCross.selector), taker, maker, ONE);
        maker = _sellOrder(carol, Side.YES, 601, 10 * ONE);
        _refused(_twoHashes(IOrderBook.OrdersDoNotCross.selector), taker, maker, ONE);
        taker = _sellOrder(dave, Side.YES, 600, 10 * ONE);
        maker = _buyOrder(bob, Side.YES, 599, 10 * ONE);
        _refused(_twoHashes(IOrderBook.OrdersDoNotCross.selector), taker, maker, ONE);
        maker = _sellOrder(carol, Side.NO, 401, 10 * ONE);
        _refused(_twoHashes(IOrderBook.OrdersDoNotCross.selector), taker, maker, ONE);
    }

    /// @notice A price is between 0 and 1, and on the tick; a maker's and a taker's alike.
    function test_RevertWhen_PriceIsOffTick() public {
        uint256[5] memory wrong = [uint256(0), WAD, WAD + 1, _at(400) + 1, NEVER];
        for (uint256 i; i < wrong.length; ++i) {
            bytes memory expected = abi.encodeWithSelector(IOrderBook.PriceOffTick.selector, wrong[i], 1e15);
            maker = wrong[i] == 0 ? _sellOrder(carol, Side.YES, 0, 10 * ONE) : _buyOrder(bob, Side.NO, 400, 10 * ONE);
            maker.price = wrong[i];
            _refused(expected, taker, maker, ONE);

            Order memory other = wrong[i] == 0 ? _sellOrder(carol, Side.YES, 0, 10 * ONE) : taker;
            other.price = wrong[i];
            Order memory against =
                wrong[i] == 0 ? _buyOrder(bob, Side.YES, 400, 10 * ONE) : _buyOrder(bob, Side.NO, 999, 10 * ONE);
            _refused(expected, other, against, ONE);
        }
    }

    /// @notice A part is a positive multiple of the lot.
    function test_RevertWhen_SizeIsOffLot() public {
        _refused(abi.encodeWithSelector(IOrderBook.SizeOffLot.selector, 0, 1000), taker, maker, 0);
        _refused(abi.encodeWithSelector(IOrderBook.SizeOffLot.selector, 999, 1000), taker, maker, 999);
        _refused(abi.encodeWithSelector(IOrderBook.SizeOffLot.selector, 1001, 1000), taker, maker, 1001);
    }

    /// @notice An order is settled in its expiry's second, and not in the next; a maker's and a taker's alike.
    function test_RevertWhen_OrderHasExpired() public {
        maker.expiry = GENESIS + 10;
        vm.warp(GENESIS + 10);
        _match(taker, maker, ONE);
        vm.warp(GENESIS + 11);
        _refused(_expired(maker), taker, maker, ONE);
        (maker.expiry, taker.expiry) = (_endOf(1), GENESIS + 10);
        _refused(_expired(taker), taker, maker, ONE);
    }

    /// @notice A nonce below the floor is refused; a maker's and a taker's alike.
    function test_RevertWhen_NonceIsTooLow() public {
        (maker.nonce, taker.nonce) = (6, 3);
        vm.prank(bob);
        hub.cancelOrdersBelow(7);
        _refused(abi.encodeWithSelector(IOrderBook.NonceTooLow.selector, bob, 6, 7), taker, maker, ONE);
        maker.nonce = 7;
        vm.prank(alice);
        hub.cancelOrdersBelow(4);
        _refused(abi.encodeWithSelector(IOrderBook.NonceTooLow.selector, alice, 3, 4), taker, maker, ONE);
        taker.nonce = 4;
        _match(taker, maker, ONE);
    }

    /// @notice A cancelled order is refused; a maker's and a taker's alike.
    function test_RevertWhen_OrderIsCancelled() public {
        vm.prank(bob);
        hub.cancelOrder(maker);
        _refused(abi.encodeWithSelector(IOrderBook.OrderIsCancelled.selector, _hash(maker)), taker, maker, ONE);
        maker.salt = NEVER;
        vm.prank(alice);
        hub.cancelOrder(taker);
        _refused(abi.encodeWithSelector(IOrderBook.OrderIsCancelled.selector, _hash(taker)), taker, maker, ONE);
    }

    /// @notice A filled order has nothing left; a maker's and a taker's alike.
    function test_RevertWhen_OrderIsFilled() public {
        _match(taker, maker, 10 * ONE);
        bytes memory expected = abi.encodeWithSelector(IOrderBook.OrderIsFilled.selector, _hash(maker), 10 * ONE);
        _refused(expected, _buyOrder(alice, Side.YES, 600, ONE), maker, ONE);
        expected = abi.encodeWithSelector(IOrderBook.OrderIsFilled.selector, _hash(taker), 10 * ONE);
        _refused(expected, taker, _buyOrder(bob, Side.NO, 400, ONE), ONE);
    }

    /// @notice No more than what is left of an order; a maker's, a taker's over several makers, and one that comes twice.
    function test_RevertWhen_OrderWouldBeOverfilled() public {
        _match(taker, maker, 4 * ONE);
        _refused(_overfilled(maker, 6 * ONE + 1000, 6 * ONE), taker, maker, 6 * ONE + 1000);

        MakerFill[] memory fills = new MakerFill[](2);
        fills[0] = _fill(maker, 6 * ONE, 0);
        fills[1] = _fill(_buyOrder(dave, Side.NO, 400, ONE), ONE, 0);
        _refused(_overfilled(taker, 7 * ONE, 6 * ONE), taker, 0, fills);

        (fills[0], fills[1]) = (_fill(maker, 5 * ONE, 0), _fill(maker, 2 * ONE, 0));
        _refused(_overfilled(maker, 2 * ONE, ONE), taker, 0, fills);
    }

    /// @notice A fee above what the order allows is refused, by one unit; a maker's and a taker's alike.
    function test_RevertWhen_FeeIsAboveTheCap() public {
        MakerFill[] memory fills = _fills(maker, 10 * ONE);
        // 2 % of 4 and of 6.
        fills[0].fee = 8 * ONE / 100 + 1;
        bytes memory expected =
            abi.encodeWithSelector(IOrderBook.FeeAboveCap.selector, _hash(maker), 8 * ONE / 100 + 1, 8 * ONE / 100);
        _refused(expected, taker, 0, fills);
        fills[0].fee = 8 * ONE / 100;
        expected =
            abi.encodeWithSelector(IOrderBook.FeeAboveCap.selector, _hash(taker), 12 * ONE / 100 + 1, 12 * ONE / 100);
        _refused(expected, taker, 12 * ONE / 100 + 1, fills);
        _match(taker, 12 * ONE / 100, fills);
    }

    /// @notice A buyer needs the price and the fee on its internal balance; what is in its wallet does not count.
    function test_RevertWhen_BuyerLacksCollateral() public {
        vm.prank(bob);
        hub.withdraw(bob, 997 * ONE);
        bytes memory expected =
            abi.encodeWithSelector(ICollateralLedger.InsufficientCollateral.selector, bob, 4 * ONE, 3 * ONE);
        _refused(expected, taker, maker, 10 * ONE);
        vm.prank(alice);
        hub.withdraw(alice, 9988 * ONE / 10);
        expected = abi.encodeWithSelector(
            ICollateralLedger.InsufficientCollateral.selector, alice, 12 * ONE / 10 + 1, 12 * ONE / 10
        );
        _refused(expected, taker, 1, _fills(maker, 2 * ONE));
    }

    /// @notice A seller needs its shares; a maker and a taker alike, and nobody sells what the match would bring.
    function test_RevertWhen_SellerLacksShares() public {
        uint256 id = _idOf(1, Side.NO);
        bytes memory expected =
            abi.encodeWithSelector(IOrderBook.InsufficientShares.selector, carol, id, 100 * ONE + 1000, 100 * ONE);
        maker = _sellOrder(carol, Side.NO, 400, 101 * ONE);
        taker = _buyOrder(alice, Side.NO, 400, 101 * ONE);
        _refused(expected, taker, maker, 100 * ONE + 1000);
        expected = abi.encodeWithSelector(IOrderBook.InsufficientShares.selector, bob, id, ONE, 0);
        _refused(expected, _sellOrder(bob, Side.NO, 400, ONE), taker, ONE);
    }

    function _twoHashes(bytes4 selector) private view returns (bytes memory) {
        return abi.encodeWithSelector(selector, _hash(taker), _hash(maker));
    }

    function _expired(Order memory order) private view returns (bytes memory) {
        return abi.encodeWithSelector(IOrderBook.OrderExpired.selector, _hash(order), order.expiry, block.timestamp);
    }

    function _overfilled(Order memory order, uint256 wanted, uint256 remaining) private view returns (bytes memory) {
        return abi.encodeWithSelector(IOrderBook.OrderOverfilled.selector, _hash(order), wanted, remaining);
    }
}
