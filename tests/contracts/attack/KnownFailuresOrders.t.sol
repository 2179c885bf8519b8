// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ICollateralLedger} from "../../../contracts/interfaces/ICollateralLedger.sol";
import {Side} from "../../../contracts/interfaces/IEpochHub.sol";
import {IOrderBook, MakerFill, Order, SignedOrder} from "../../../contracts/interfaces/IOrderBook.sol";
import {ReentrantWallet} from "../doubles/ReentrantWallet.sol";
import {HubFixture} from "../support/HubFixture.sol";
import {OrderFixture} from "../support/OrderFixture.sol";

/// @notice How the order books of other systems have failed, tried on ours.
contract KnownFailuresOrdersTest is OrderFixture {
    /// The order of the curve that signatures are on.
    uint256 private constant CURVE = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;

    Order private taker;
    Order private maker;

    constructor() HubFixture(6) {}

    function setUp() public override {
        super.setUp();
        taker = _buyOrder(alice, Side.YES, 600, 10 * ONE);
        maker = _sellOrder(carol, Side.YES, 500, 10 * ONE);
    }

    /// @notice A filled order is not filled again by showing it again, in either form of its signature.
    function test_ReplayedOrderIsFilledOnce() public {
        _match(taker, maker, 10 * ONE);
        MakerFill[] memory fills = _fills(maker, 10 * ONE);
        bytes memory expected = abi.encodeWithSelector(IOrderBook.OrderIsFilled.selector, _hash(maker), 10 * ONE);
        Order memory another = _buyOrder(bob, Side.YES, 600, 10 * ONE);
        _refused(expected, another, 0, fills);
        fills[0].signature = _signShort(carol, _hash(maker));
        _refused(expected, another, 0, fills);
    }

    /// @notice An order signed for one chain is nothing on another, where the hub has the same address.
    function test_OrderIsNotReplayedOnAnotherChain() public {
        SignedOrder memory signedTaker = _signed(taker);
        MakerFill[] memory fills = _fills(maker, 10 * ONE);
        vm.chainId(8453);
        _refused(_invalid(carol, maker), signedTaker, 0, fills);
        fills = _fills(maker, 10 * ONE);
        _refused(_invalid(alice, taker), signedTaker, 0, fills);
    }

    /// @notice An order signed for one hub is nothing in another.
    function test_OrderIsNotReplayedInAnotherHub() public {
        SignedOrder memory signedTaker = _signed(taker);
        MakerFill[] memory fills = _fills(maker, 10 * ONE);
        hub = _deployHub(address(token));
        marketId = _createMarket(SYMBOL, GENESIS, LIQUIDITY, FEE_BPS);
        _deposit(alice, 100 * ONE);
        _deposit(carol, 100 * ONE);
        _split(carol, 1, 100 * ONE);
        vm.prank(owner);
        hub.setMatchOperator(operator, true);
        _refused(_invalid(carol, maker), signedTaker, 0, fills);
    }

    /// @notice The operator cannot fill an order at a worse price than it says, nor take more than its cap as a fee; what
    /// the taker gains on its limit is the taker's.
    function test_OperatorCannotWorsenAnOrder() public {
        SignedOrder memory signedTaker = _signed(taker);
        MakerFill[] memory fills = _fills(maker, 10 * ONE);
        bytes memory signature = fills[0].signature;
        fills[0].order.price = _at(600);
        bytes memory expected =
            abi.encodeWithSelector(IOrderBook.InvalidSignature.selector, carol, _hash(fills[0].order));
        _refused(expected, signedTaker, 0, fills);

        fills = _fills(maker, 10 * ONE);
        assertEq(signature, fills[0].signature);
        uint256 cap = 10 * ONE / 100;
        expected = abi.encodeWithSelector(IOrderBook.FeeAboveCap.selector, _hash(taker), ONE, cap);
        _refused(expected, signedTaker, ONE, fills);
        // The taker's improvement is a tenth of a unit on each share: none of it is the operator's.
        _match(taker, cap, fills);
        assertEq(995 * ONE - cap, hub.collateralOf(alice));
        assertEq(cap, hub.collateralOf(operator));
    }

    /// @notice A maker in trading mode that sees its match come cannot be gone before it is settled.
    function test_GhostFillIsImpossible() public {
        vm.prank(carol);
        hub.enterTradingMode();
        uint256 id = _idOf(1, Side.YES);
        bytes memory expected =
            abi.encodeWithSelector(ICollateralLedger.NotReleased.selector, carol, id, 100 * ONE, 0, 0);
        vm.startPrank(carol);
        vm.expectRevert(expected);
        hub.transfer(bob, id, 100 * ONE);
        vm.expectRevert(expected);
        hub.merge(marketId, 1, 100 * ONE);
        vm.expectRevert(expected);
        facade.sellYes(100 * ONE, 0, 0, NEVER);
        hub.cancelOrder(maker);
        hub.cancelOrdersBelow(1000);
        hub.leaveTradingMode();
        hub.requestRelease(id, 100 * ONE);
        vm.stopPrank();
        vm.warp(block.timestamp + DELAY - 1);
        _match(taker, maker, 10 * ONE);
        _assertShares(alice, 10 * ONE, 0);
    }

    /// @notice Without trading mode a ghost fill takes nothing with it: the whole match is refused.
    function test_GhostFillTakesNothingWithIt() public {
        vm.startPrank(carol);
        hub.transfer(bob, _idOf(1, Side.YES), 95 * ONE);
        vm.stopPrank();
        MakerFill[] memory fills = new MakerFill[](2);
        fills[0] = _fill(_sellOrder(dave, Side.YES, 500, ONE), ONE, 0);
        fills[1] = _fill(maker, 9 * ONE, 0);
        bytes memory expected =
            abi.encodeWithSelector(IOrderBook.InsufficientShares.selector, carol, _idOf(1, Side.YES), 9 * ONE, 5 * ONE);
        _refused(expected, taker, 0, fills);
    }

    /// @notice Volume is not washed by one account against itself, in none of the kinds.
    function test_SelfMatchIsNoWash() public {
        bytes memory expected = abi.encodeWithSelector(IOrderBook.SelfMatch.selector, carol);
        _refused(expected, _buyOrder(carol, Side.YES, 500, ONE), maker, ONE);
        _refused(expected, _buyOrder(carol, Side.YES, 500, ONE), _buyOrder(carol, Side.NO, 500, ONE), ONE);
        _refused(expected, _sellOrder(carol, Side.NO, 500, ONE), maker, ONE);
    }

    /// @notice A wallet that is asked for its signature can change nothing: not by withdrawing, not by filling again.
    function test_ReentrancyThroughASmartWallet() public {
        ReentrantWallet attacker = new ReentrantWallet();
        _equip(address(attacker));
        _split(address(attacker), 1, 100 * ONE);
        Order memory order = _sellOrder(address(attacker), Side.YES, 500, 10 * ONE);
        MakerFill[] memory fills = new MakerFill[](1);
        fills[0] = MakerFill({order: order, signature: "", size: 10 * ONE, fee: 0});
        vm.prank(owner);
        hub.setMatchOperator(address(attacker), true);
        bytes[5] memory attempts = [
            abi.encodeCall(ICollateralLedger.withdraw, (address(attacker), ONE)),
            abi.encodeCall(IOrderBook.matchOrders, (_signed(taker), 0, fills)),
            abi.encodeCall(IOrderBook.cancelOrder, (order)),
            abi.encodeCall(IOrderBook.registerOrder, (order, "")),
            abi.encodeCall(ICollateralLedger.enterTradingMode, ())
        ];
        for (uint256 i; i < attempts.length; ++i) {
            attacker.attack(address(hub), attempts[i]);
            _refused(_invalid(address(attacker), order), _signed(taker), 0, fills);
            vm.expectRevert(_invalid(address(attacker), order));
            hub.registerOrder(order, "");
        }
        // The same wallet without an attack signs all right.
        attacker.attack(address(this), "");
        _refused(_invalid(address(attacker), order), _signed(taker), 0, fills);
        attacker.attack(address(hub), abi.encodeCall(ICollateralLedger.tradingPaused, ()));
        _match(taker, 0, fills);
        _assertShares(alice, 10 * ONE, 0);
    }

    /// @notice An order of one market does not settle in another, nor one of an epoch in another.
    function test_OrderOfOneMarketIsNotUsedInAnother() public {
        uint256 other = _createMarket("ETH", GENESIS, LIQUIDITY, FEE_BPS);
        SignedOrder memory signedTaker = _signed(taker);
        MakerFill[] memory fills = _fills(maker, ONE);
        taker.marketId = other;
        bytes memory expected = abi.encodeWithSelector(IOrderBook.DifferentBooks.selector, _hash(taker), _hash(maker));
        _refused(expected, taker, 0, fills);
        // Both moved there by the operator: neither was signed.
        maker.marketId = other;
        (signedTaker.order.marketId, fills[0].order.marketId) = (other, other);
        _refused(_invalid(carol, maker), signedTaker, 0, fills);
        (maker.marketId, maker.epoch) = (marketId, 2);
        (signedTaker.order.marketId, signedTaker.order.epoch) = (marketId, 2);
        fills[0].order = maker;
        _refused(_invalid(carol, maker), signedTaker, 0, fills);
    }

    /// @notice The other root of a signature is no second order, and neither is the short form.
    function test_MalleableSignatureIsNoSecondOrder() public {
        _match(taker, maker, 4 * ONE);
        MakerFill[] memory fills = _fills(maker, 6 * ONE);
        fills[0].signature = _malleated(fills[0].signature);
        // It may be taken for the maker's own, but then for the same order: what is filled stays filled.
        vm.prank(operator);
        try hub.matchOrders(_signed(taker), 0, fills) {} catch {}
        fills[0].signature = _signShort(carol, _hash(maker));
        (uint256 filled,,) = hub.orderState(_hash(maker));
        fills[0].size = 10 * ONE - filled + 1000;
        bytes memory expected = filled == 10 * ONE
            ? abi.encodeWithSelector(IOrderBook.OrderIsFilled.selector, _hash(maker), 10 * ONE)
            : abi.encodeWithSelector(
                IOrderBook.OrderOverfilled.selector, _hash(maker), fills[0].size, 10 * ONE - filled
            );
        _refused(expected, _buyOrder(bob, Side.YES, 500, 20 * ONE), 0, fills);
    }

    /// @notice There is no fill for nothing to charge a fee to.
    function test_NoFeeOnAFillOfNothing() public {
        MakerFill[] memory fills = _fills(maker, 0);
        fills[0].fee = 1;
        _refused(abi.encodeWithSelector(IOrderBook.SizeOffLot.selector, 0, 1000), taker, 1, fills);
        // The smallest part there is comes to one unit, of which a fee is nothing or all.
        taker = _buyOrder(alice, Side.YES, 1, 1000);
        maker = _sellOrder(carol, Side.YES, 1, 1000);
        maker.feeBpsMax = 9_999;
        fills = _fills(maker, 1000);
        fills[0].fee = 1;
        _refused(abi.encodeWithSelector(IOrderBook.FeeAboveCap.selector, _hash(maker), 1, 0), taker, 0, fills);
    }

    function _invalid(address account, Order memory order) private view returns (bytes memory) {
        return abi.encodeWithSelector(IOrderBook.InvalidSignature.selector, account, _hash(order));
    }

    /// @dev The same signature with the other s, which ecrecover takes as well.
    function _malleated(bytes memory signature) private pure returns (bytes memory) {
        (bytes32 r, uint256 s, uint8 v) = _parts(signature);
        return abi.encodePacked(r, bytes32(CURVE - s), v == 27 ? uint8(28) : uint8(27));
    }

    function _parts(bytes memory signature) private pure returns (bytes32 r, uint256 s, uint8 v) {
        assembly ("memory-safe") {
            r := mload(add(signature, 0x20))
            s := mload(add(signature, 0x40))
            v := byte(0, mload(add(signature, 0x60)))
        }
    }
}
