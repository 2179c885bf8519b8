// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Side} from "../../../contracts/interfaces/IEpochHub.sol";
import {MakerFill, Order, SignedOrder} from "../../../contracts/interfaces/IOrderBook.sol";
import {SmartWallet} from "../doubles/SmartWallet.sol";
import {HubFixture} from "./HubFixture.sol";
import {OrderSigning} from "./OrderSigning.sol";

/// @title Order fixture
/// @notice A hub fixture with an operator and with traders that sign: two buyers with nothing but collateral, two sellers
/// that hold a hundred of each share of epoch 1 besides, and a smart wallet like them.
abstract contract OrderFixture is HubFixture, OrderSigning {
    uint256 internal constant WAD = 1e18;
    uint256 internal constant DELAY = 60;
    /// Fee cap of the fixture's orders, in basis points.
    uint256 internal constant CAP_BPS = 200;

    address internal operator = makeAddr("operator");
    address internal carol;
    address internal dave;
    SmartWallet internal wallet;

    /// Orders whose state `_facts` looks at.
    bytes32[] private _watched;
    uint256 private _salts;

    function setUp() public virtual override {
        (alice, bob, carol, dave) = (_signer("alice"), _signer("bob"), _signer("carol"), _signer("dave"));
        super.setUp();
        wallet = new SmartWallet();
        _equip(carol);
        _equip(dave);
        _equip(address(wallet));
        _split(carol, 1, 100 * ONE);
        _split(dave, 1, 100 * ONE);
        _split(address(wallet), 1, 100 * ONE);
        vm.prank(owner);
        hub.setMatchOperator(operator, true);
    }

    /// @dev A price of `thousandths` of a unit.
    function _at(uint256 thousandths) internal pure returns (uint256) {
        return thousandths * 1e15;
    }

    function _buyOrder(address maker, Side side, uint256 thousandths, uint256 size) internal returns (Order memory) {
        return _order(maker, side, true, thousandths, size);
    }

    function _sellOrder(address maker, Side side, uint256 thousandths, uint256 size) internal returns (Order memory) {
        return _order(maker, side, false, thousandths, size);
    }

    function _order(address maker, Side side, bool isBuy, uint256 thousandths, uint256 size)
        internal
        returns (Order memory)
    {
        return Order({
            maker: maker,
            marketId: marketId,
            epoch: 1,
            side: side,
            isBuy: isBuy,
            price: _at(thousandths),
            size: size,
            feeBpsMax: CAP_BPS,
            expiry: _endOf(1),
            nonce: 0,
            salt: ++_salts
        });
    }

    function _hash(Order memory order) internal view returns (bytes32) {
        return _digest("chain-kit EpochHub", block.chainid, address(hub), order);
    }

    /// @dev The maker's signature; a smart wallet approves the order and needs none.
    function _signatureOf(Order memory order) internal returns (bytes memory) {
        if (order.maker.code.length == 0) return _sign(order.maker, _hash(order));
        SmartWallet(order.maker).approve(_hash(order));
        return "";
    }

    function _signed(Order memory order) internal returns (SignedOrder memory) {
        return SignedOrder({order: order, signature: _signatureOf(order)});
    }

    function _fill(Order memory order, uint256 size, uint256 fee) internal returns (MakerFill memory) {
        return MakerFill({order: order, signature: _signatureOf(order), size: size, fee: fee});
    }

    /// @dev One maker's order to fill, without a fee.
    function _fills(Order memory order, uint256 size) internal returns (MakerFill[] memory fills) {
        fills = new MakerFill[](1);
        fills[0] = _fill(order, size, 0);
    }

    /// @dev The operator matches two orders without fees.
    function _match(Order memory taker, Order memory maker, uint256 size) internal returns (uint256, uint256) {
        return _match(taker, 0, _fills(maker, size));
    }

    function _match(Order memory taker, uint256 takerFee, MakerFill[] memory fills)
        internal
        returns (uint256, uint256)
    {
        SignedOrder memory signed = _signed(taker);
        vm.prank(operator);
        return hub.matchOrders(signed, takerFee, fills);
    }

    /// @dev The operator tries a match, which is refused with `expected` and changes nothing.
    function _refused(bytes memory expected, Order memory taker, uint256 takerFee, MakerFill[] memory fills) internal {
        _refused(expected, _signed(taker), takerFee, fills);
    }

    function _refused(bytes memory expected, Order memory taker, Order memory maker, uint256 size) internal {
        _refused(expected, _signed(taker), 0, _fills(maker, size));
    }

    function _refused(bytes memory expected, SignedOrder memory taker, uint256 takerFee, MakerFill[] memory fills)
        internal
    {
        _watch(taker.order);
        for (uint256 i; i < fills.length; ++i) {
            _watch(fills[i].order);
        }
        bytes memory before = _facts();
        vm.expectRevert(expected);
        vm.prank(operator);
        hub.matchOrders(taker, takerFee, fills);
        assertEq(before, _facts(), "what is refused changes nothing");
    }

    function _watch(Order memory order) internal {
        _watched.push(_hash(order));
    }

    /// @dev All that a match could change, as the hub's views have it.
    function _facts() internal view returns (bytes memory facts) {
        address[7] memory accounts = [alice, bob, carol, dave, address(wallet), operator, creator];
        for (uint256 i; i < accounts.length; ++i) {
            facts = bytes.concat(facts, _factsOf(accounts[i]));
        }
        for (uint256 i; i < _watched.length; ++i) {
            (uint256 filled, uint256 cancelledAt, bool registered) = hub.orderState(_watched[i]);
            facts = bytes.concat(facts, abi.encode(filled, cancelledAt, registered));
        }
        (uint256 reserve, uint256 liabilities,) = hub.reserveStatus();
        (uint256 sets, uint256 houseYes, uint256 houseNo,) = hub.epochState(marketId, 1);
        return bytes.concat(facts, abi.encode(reserve, liabilities, sets, houseYes, houseNo));
    }

    function _factsOf(address account) private view returns (bytes memory) {
        (uint256 yesShares, uint256 noShares) = hub.positionOf(marketId, 1, account);
        (uint256 released, uint256 readyAt) = hub.releaseOf(account, 0);
        return abi.encode(
            hub.collateralOf(account),
            yesShares,
            noShares,
            hub.nonceFloorOf(account),
            hub.isTrading(account),
            released,
            readyAt
        );
    }

    function _assertShares(address account, uint256 yesExpected, uint256 noExpected) internal view {
        (uint256 yesShares, uint256 noShares) = hub.positionOf(marketId, 1, account);
        assertEq(yesExpected, yesShares, "YES shares");
        assertEq(noExpected, noShares, "NO shares");
    }

    function _assertSets(uint256 expected) internal view {
        (uint256 sets,,,) = hub.epochState(marketId, 1);
        assertEq(expected, sets, "complete sets");
    }
}
