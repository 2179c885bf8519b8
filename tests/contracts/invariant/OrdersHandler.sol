// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Side} from "../../../contracts/interfaces/IEpochHub.sol";
import {MakerFill, Order, SignedOrder} from "../../../contracts/interfaces/IOrderBook.sol";
import {SmartWallet} from "../doubles/SmartWallet.sol";
import {IHub} from "../support/Kit.sol";
import {OrdersWorld} from "./OrdersWorld.sol";

/// @title Orders handler
/// @notice Traders that sign, register, cancel, come and go, and an operator that matches whatever it finds to meet.
/// Nothing here may revert: what the hub would refuse is not tried.
contract OrdersHandler is OrdersWorld {
    constructor(IHub hub_, uint256 marketId_, address operator_, SmartWallet wallet)
        OrdersWorld(hub_, marketId_, operator_, wallet)
    {}

    // ------------------------------------------------------------------ what each does by itself

    function split(uint256 actorSeed, uint256 amount) external {
        (address actor, uint256 epoch) = (_actor(actorSeed), _epoch());
        uint256 most = _spendable(actor, 0, hub.collateralOf(actor));
        if (most == 0) return;
        amount = bound(amount, 1, most);
        vm.prank(actor);
        hub.split(marketId, epoch, amount);
        _touch(epoch);
        collateralDue[actor] -= amount;
        sharesDue[actor][_id(epoch, Side.YES)] += amount;
        sharesDue[actor][_id(epoch, Side.NO)] += amount;
    }

    function merge(uint256 actorSeed, uint256 amount) external {
        (address actor, uint256 epoch) = (_actor(actorSeed), _epoch());
        (uint256 yesId, uint256 noId) = (_id(epoch, Side.YES), _id(epoch, Side.NO));
        uint256 yesShares = _spendable(actor, yesId, hub.balanceOf(actor, yesId));
        uint256 noShares = _spendable(actor, noId, hub.balanceOf(actor, noId));
        uint256 most = yesShares < noShares ? yesShares : noShares;
        if (most == 0) return;
        amount = bound(amount, 1, most);
        vm.prank(actor);
        hub.merge(marketId, epoch, amount);
        collateralDue[actor] += amount;
        sharesDue[actor][yesId] -= amount;
        sharesDue[actor][noId] -= amount;
    }

    function transfer(uint256 actorSeed, uint256 toSeed, bool no, uint256 amount) external {
        (address actor, address to) = (_actor(actorSeed), _actor(toSeed));
        uint256 id = _id(_epoch(), no ? Side.NO : Side.YES);
        uint256 most = _spendable(actor, id, hub.balanceOf(actor, id));
        if (most == 0) return;
        amount = bound(amount, 1, most);
        vm.prank(actor);
        hub.transfer(to, id, amount);
        sharesDue[actor][id] -= amount;
        sharesDue[to][id] += amount;
    }

    function tradingMode(uint256 actorSeed, bool leaves) external {
        address actor = _actor(actorSeed);
        vm.startPrank(actor);
        if (leaves) try hub.leaveTradingMode() {} catch {} else try hub.enterTradingMode() {} catch {}
        vm.stopPrank();
    }

    function requestRelease(uint256 actorSeed, uint256 kind, uint256 amount) external {
        address actor = _actor(actorSeed);
        if (!hub.isTrading(actor)) return;
        uint256 id = kind % 3 == 0 ? 0 : _id(_epoch(), Side(kind % 2));
        vm.prank(actor);
        hub.requestRelease(id, bound(amount, 0, type(uint64).max));
    }

    function cancel(uint256 orderSeed) external {
        if (orders.length == 0) return;
        Order memory order = _recent(orderSeed);
        (, uint256 cancelledAt,) = hub.orderState(hub.hashOrder(order));
        if (cancelledAt != 0) return;
        vm.prank(order.maker);
        hub.cancelOrder(order);
    }

    function cancelBelow(uint256 actorSeed) external {
        address actor = _actor(actorSeed);
        uint256 floor = hub.nonceFloorOf(actor) + 1;
        vm.prank(actor);
        try hub.cancelOrdersBelow(floor) {} catch {}
    }

    function register(uint256 orderSeed) external {
        if (orders.length == 0) return;
        Order memory order = _recent(orderSeed);
        hub.registerOrder(order, _signatureOf(order));
    }

    function redeem(uint256 actorSeed, uint256 epochSeed) external {
        if (_epochs.length == 0) return;
        (address actor, uint256 epoch) = (_actor(actorSeed), _epochs[epochSeed % _epochs.length]);
        (uint256 yesShares, uint256 noShares) = hub.positionOf(marketId, epoch, actor);
        // No price comes: an epoch is void an hour after its end.
        if (yesShares + noShares == 0 || block.timestamp <= genesis + epoch * EPOCH + 3600) return;
        uint256[] memory epochs = new uint256[](1);
        epochs[0] = epoch;
        hub.redeemFor(actor, marketId, epochs);
        ++redemptions;
        (sharesDue[actor][_id(epoch, Side.YES)], sharesDue[actor][_id(epoch, Side.NO)]) = (0, 0);
    }

    function warp(uint256 time) external {
        vm.warp(block.timestamp + bound(time, 1, time % 8 == 0 ? 2000 : 60));
    }

    // ------------------------------------------------------------------ orders

    function sign(uint256 actorSeed, bool no, bool isBuy, uint256 thousandths, uint256 size) external {
        // Prices at which most orders meet.
        uint256 price = isBuy ? bound(thousandths, 450, 999) : bound(thousandths, 1, 550);
        _sign(_actor(actorSeed), no ? Side.NO : Side.YES, isBuy, price, bound(size, 1000, 20e6));
    }

    /// @notice An order and a new one that meets it, of either kind, by as much as their makers' funds allow.
    function matchNew(uint256 makerSeed, uint256 actorSeed, bool swap, uint256 size, uint256 fee) external {
        Order memory maker = _living(makerSeed);
        if (_actor(actorSeed) == maker.maker) actorSeed = addmod(actorSeed, 1, actors.length);
        Side side = swap ? maker.side : Side(1 - uint256(maker.side));
        bool isBuy = maker.isBuy != swap;
        uint256 price = (swap ? maker.price : WAD - maker.price) / 1e15;
        // At the maker's price or better for it.
        price = isBuy ? bound(size, price, 999) : bound(size, 1, price);
        Order memory taker = _sign(_actor(actorSeed), side, isBuy, price, 20e6);
        if (_meet(taker, maker)) _tryMatch(taker, maker, size, fee);
    }

    /// @dev A recent order of the running epoch that can be settled, or a buyer's new one.
    function _living(uint256 seed) private returns (Order memory) {
        for (uint256 i; i < 4 && orders.length != 0; ++i) {
            Order memory order = _recent(uint256(keccak256(abi.encode(seed, i))));
            if (order.epoch == _epoch() && _most(order, order.price) >= 1000) return order;
        }
        return _sign(_actor(seed), Side(seed % 2), true, bound(seed, 450, 999), 20e6);
    }

    /// @notice Two recent orders, if they meet at all.
    function matchTwo(uint256 takerSeed, uint256 makerSeed, uint256 size, uint256 fee) external {
        if (orders.length < 2) return;
        Order memory taker = _recent(takerSeed);
        for (uint256 i; i < 8; ++i) {
            Order memory maker = _recent(uint256(keccak256(abi.encode(makerSeed, i))));
            if (_meet(taker, maker) && _tryMatch(taker, maker, size, fee)) return;
        }
    }

    function _tryMatch(Order memory taker, Order memory maker, uint256 size, uint256 fee) private returns (bool) {
        uint256 price = taker.side == maker.side ? maker.price : WAD - maker.price;
        uint256 most = _most(taker, price);
        uint256 makersMost = _most(maker, maker.price);
        if (makersMost < most) most = makersMost;
        if (most < 1000) return false;
        size = bound(size, 1, most / 1000) * 1000;
        MakerFill[] memory fills = new MakerFill[](1);
        fills[0] = MakerFill(maker, _signatureOf(maker), size, _feeOf(maker, size * maker.price / WAD, fee));
        SignedOrder memory signed = SignedOrder(taker, _signatureOf(taker));
        uint256 takerFee = _feeOf(taker, size * price / WAD, fee);
        vm.prank(operator);
        hub.matchOrders(signed, takerFee, fills);

        _touch(maker.epoch);
        _noteFill(maker, size, size * maker.price / WAD, fills[0].fee);
        _noteFill(taker, size, size * price / WAD, takerFee);
        uint256 together = size * maker.price / WAD + size * price / WAD;
        if (taker.side != maker.side && together != size) crooked = true;
        return true;
    }
}
