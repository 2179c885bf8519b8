// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Side} from "../../../contracts/interfaces/IEpochHub.sol";
import {Order} from "../../../contracts/interfaces/IOrderBook.sol";
import {SmartWallet} from "../doubles/SmartWallet.sol";
import {IHub} from "../support/Kit.sol";
import {OrderSigning} from "../support/OrderSigning.sol";

/// @title Orders world
/// @notice The traders around an order book, and what an honest book-keeper beside it would have written down: what each
/// has agreed to, by its own call or by an order that it has signed.
abstract contract OrdersWorld is OrderSigning {
    uint256 internal constant WAD = 1e18;
    uint256 internal constant EPOCH = 300;

    IHub internal immutable hub;
    uint256 internal immutable marketId;
    uint256 internal immutable genesis;
    address internal immutable operator;
    address[] internal actors;
    Order[] internal orders;

    /// What an account has agreed to: collateral in and out, shares in and out, in all.
    mapping(address account => uint256) public collateralDue;
    mapping(address account => mapping(uint256 id => uint256)) public sharesDue;
    mapping(bytes32 orderHash => uint256) public filledDue;
    /// Whether a match was ever at prices that are not one unit together.
    bool public crooked;
    uint256 public redemptions;
    uint256[] internal _epochs;
    mapping(uint256 epoch => bool) private _isTouched;
    uint256 private _salts;

    constructor(IHub hub_, uint256 marketId_, address operator_, SmartWallet wallet) {
        (hub, marketId, operator) = (hub_, marketId_, operator_);
        genesis = hub_.market(marketId_).genesis;
        actors = [_signer("one"), _signer("two"), _signer("three"), address(wallet)];
        for (uint256 i; i < actors.length; ++i) {
            collateralDue[actors[i]] = hub_.collateralOf(actors[i]);
        }
    }

    function orderCount() external view returns (uint256) {
        return orders.length;
    }

    function orderAt(uint256 index) external view returns (Order memory) {
        return orders[index];
    }

    function accounts() external view returns (address[] memory) {
        return actors;
    }

    function touchedCount() external view returns (uint256) {
        return _epochs.length;
    }

    function touchedAt(uint256 index) external view returns (uint256) {
        return _epochs[index];
    }

    function _sign(address maker, Side side, bool isBuy, uint256 thousandths, uint256 size)
        internal
        returns (Order memory order)
    {
        order = Order({
            maker: maker,
            marketId: marketId,
            epoch: _epoch(),
            side: side,
            isBuy: isBuy,
            price: 1e15 * thousandths,
            size: size,
            feeBpsMax: thousandths % 300,
            expiry: block.timestamp + 900,
            nonce: hub.nonceFloorOf(maker) + thousandths % 3,
            salt: ++_salts
        });
        orders.push(order);
    }

    function _noteFill(Order memory order, uint256 size, uint256 amount, uint256 fee) internal {
        uint256 id = _id(order.epoch, order.side);
        filledDue[hub.hashOrder(order)] += size;
        collateralDue[operator] += fee;
        if (order.isBuy) {
            collateralDue[order.maker] -= amount + fee;
            sharesDue[order.maker][id] += size;
        } else {
            collateralDue[order.maker] += amount - fee;
            sharesDue[order.maker][id] -= size;
        }
    }

    /// @dev How much of an order could be settled now at a price, its greatest fee included.
    function _most(Order memory order, uint256 price) internal view returns (uint256 most) {
        (uint256 filled, uint256 cancelledAt,) = hub.orderState(hub.hashOrder(order));
        bool dead = cancelledAt != 0 && block.timestamp >= cancelledAt;
        if (dead || block.timestamp > order.expiry || order.nonce < hub.nonceFloorOf(order.maker)) return 0;
        most = order.size - filled;
        uint256 id = _id(order.epoch, order.side);
        uint256 funds = order.isBuy
            ? hub.collateralOf(order.maker) * WAD / price * 10_000 / (10_000 + order.feeBpsMax)
            : hub.balanceOf(order.maker, id);
        return funds < most ? funds : most;
    }

    function _meet(Order memory taker, Order memory maker) internal view returns (bool) {
        if (taker.maker == maker.maker || taker.epoch != maker.epoch || taker.epoch < _epoch()) return false;
        bool swap = taker.side == maker.side;
        if (swap == (taker.isBuy == maker.isBuy)) return false;
        uint256 price = swap ? maker.price : WAD - maker.price;
        return taker.isBuy ? price <= taker.price : price >= taker.price;
    }

    function _feeOf(Order memory order, uint256 amount, uint256 seed) internal pure returns (uint256) {
        return seed % (amount * order.feeBpsMax / 10_000 + 1);
    }

    function _signatureOf(Order memory order) internal returns (bytes memory) {
        bytes32 digest = hub.hashOrder(order);
        if (order.maker.code.length == 0) return _sign(order.maker, digest);
        SmartWallet(order.maker).approve(digest);
        return "";
    }

    /// @dev What an account may spend by itself now, of `held`.
    function _spendable(address account, uint256 id, uint256 held) internal view returns (uint256) {
        if (!hub.isTrading(account)) return held;
        (uint256 released, uint256 readyAt) = hub.releaseOf(account, id);
        if (block.timestamp < readyAt) return 0;
        return released < held ? released : held;
    }

    function _touch(uint256 epoch) internal {
        if (_isTouched[epoch]) return;
        _isTouched[epoch] = true;
        _epochs.push(epoch);
    }

    function _recent(uint256 seed) internal view returns (Order memory) {
        uint256 among = orders.length < 8 ? orders.length : 8;
        return orders[orders.length - 1 - seed % among];
    }

    function _actor(uint256 seed) internal view returns (address) {
        return actors[seed % actors.length];
    }

    function _epoch() internal view returns (uint256) {
        return hub.currentEpoch(marketId);
    }

    function _id(uint256 epoch, Side side) internal view returns (uint256) {
        return (marketId << 64) | (epoch << 8) | uint256(side);
    }
}
