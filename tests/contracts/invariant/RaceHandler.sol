// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BoundaryPrice, BoundaryStatus} from "../../../contracts/interfaces/IBoundaryOracle.sol";
import {Side} from "../../../contracts/interfaces/ICompleteSets.sol";
import {MakerFill, Order, SignedOrder} from "../../../contracts/interfaces/IOrderBook.sol";
import {RaceWorld} from "./RaceWorld.sol";

/// @title Race handler
/// @notice Everything that people do with a race market, in any order, by several of them. Nothing here may revert: what
/// the market would refuse is not tried.
contract RaceHandler is RaceWorld {
    uint256 private constant NONE = type(uint256).max;
    uint256 private _salt;

    constructor(RaceWorld.Setup memory setup) RaceWorld(setup) {}

    function deposit(uint256 actorSeed, uint256 toSeed, uint256 amount) external {
        amount = bound(amount, 1, 500 * one);
        address actor = _actor(actorSeed);
        token.mint(actor, amount);
        vm.startPrank(actor);
        token.approve(address(races), amount);
        races.deposit(_actor(toSeed), amount);
        vm.stopPrank();
    }

    function withdraw(uint256 actorSeed, uint256 toSeed, uint256 amount) external {
        address actor = _actor(actorSeed);
        uint256 balance = races.collateralOf(actor);
        if (balance == 0) return;
        vm.prank(actor);
        races.withdraw(_actor(toSeed), bound(amount, 1, balance));
    }

    function split(uint256 actorSeed, uint256 raceSeed, uint256 ahead, uint256 assetSeed, uint256 amount) external {
        address actor = _actor(actorSeed);
        uint256 balance = races.collateralOf(actor);
        if (balance == 0) return;
        Field memory field = _running(raceSeed, ahead);
        uint256 asset = assetSeed % _assets(field);
        amount = bound(amount, 1, balance);
        vm.prank(actor);
        races.split(_book(field, asset), field.epoch, amount);
        _write(field, asset, actor, Side.YES, int256(amount));
        _write(field, asset, actor, Side.NO, int256(amount));
    }

    function splitField(uint256 actorSeed, uint256 raceSeed, uint256 ahead, uint256 amount) external {
        address actor = _actor(actorSeed);
        uint256 balance = races.collateralOf(actor);
        if (balance == 0) return;
        Field memory field = _running(raceSeed, ahead);
        amount = bound(amount, 1, balance);
        vm.prank(actor);
        races.splitField(field.raceId, field.epoch, field.position, amount);
        _writeField(field, NONE, actor, int256(amount));
    }

    function merge(uint256 actorSeed, uint256 fieldSeed, uint256 assetSeed, uint256 amount) external {
        if (fieldCount() == 0) return;
        (address actor, Field memory field) = (_actor(actorSeed), _field(fieldSeed));
        uint256 asset = assetSeed % _assets(field);
        (uint256 yesShares, uint256 noShares) = _shares(field, asset, actor);
        uint256 most = yesShares < noShares ? yesShares : noShares;
        if (most == 0) return;
        amount = bound(amount, 1, most);
        vm.prank(actor);
        races.merge(_book(field, asset), field.epoch, amount);
        _write(field, asset, actor, Side.YES, -int256(amount));
        _write(field, asset, actor, Side.NO, -int256(amount));
    }

    function mergeField(uint256 actorSeed, uint256 fieldSeed, uint256 amount) external {
        if (fieldCount() == 0) return;
        (address actor, Field memory field) = (_actor(actorSeed), _field(fieldSeed));
        uint256 most = _leastYes(field, NONE, actor);
        if (most == 0) return;
        amount = bound(amount, 1, most);
        vm.prank(actor);
        races.mergeField(field.raceId, field.epoch, field.position, amount);
        _writeField(field, NONE, actor, -int256(amount));
    }

    function convertToField(uint256 actorSeed, uint256 fieldSeed, uint256 assetSeed, uint256 amount) external {
        if (fieldCount() == 0) return;
        (address actor, Field memory field) = (_actor(actorSeed), _field(fieldSeed));
        uint256 asset = assetSeed % _assets(field);
        (, uint256 most) = _shares(field, asset, actor);
        if (most == 0) return;
        amount = bound(amount, 1, most);
        vm.prank(actor);
        races.convertToField(_book(field, asset), field.epoch, amount);
        _write(field, asset, actor, Side.NO, -int256(amount));
        _writeField(field, asset, actor, int256(amount));
    }

    function convertFromField(uint256 actorSeed, uint256 fieldSeed, uint256 assetSeed, uint256 amount) external {
        if (fieldCount() == 0) return;
        (address actor, Field memory field) = (_actor(actorSeed), _field(fieldSeed));
        uint256 asset = assetSeed % _assets(field);
        uint256 most = _leastYes(field, asset, actor);
        if (most == 0) return;
        amount = bound(amount, 1, most);
        vm.prank(actor);
        races.convertFromField(_book(field, asset), field.epoch, amount);
        _writeField(field, asset, actor, -int256(amount));
        _write(field, asset, actor, Side.NO, int256(amount));
    }

    function transferShares(uint256 actorSeed, uint256 toSeed, uint256 fieldSeed, uint256 assetSeed, uint256 amount)
        external
    {
        if (fieldCount() == 0) return;
        (address actor, address to, Field memory field) = (_actor(actorSeed), _actor(toSeed), _field(fieldSeed));
        uint256 asset = assetSeed % _assets(field);
        (uint256 yesShares,) = _shares(field, asset, actor);
        amount = bound(amount, 0, yesShares);
        vm.prank(actor);
        races.transfer(to, _book(field, asset) << 64 | field.epoch << 8, amount);
        _write(field, asset, actor, Side.YES, -int256(amount));
        _write(field, asset, to, Side.YES, int256(amount));
    }

    /// @notice A taker's order for YES, to buy or to sell, against a maker's order on either side.
    function matchOrders(uint256 takerSeed, uint256 makerSeed, uint256 raceSeed, uint256 size, uint256 tick, uint8 kind)
        external
    {
        if (_actor(takerSeed) == _actor(makerSeed) || races.tradingPaused()) return;
        Field memory field = _running(raceSeed, 0);
        uint256 asset = takerSeed % _assets(field);
        (bool buys, bool swaps) = (kind & 1 == 0, kind & 2 == 0);
        Order memory order = _order(field, asset, _actor(takerSeed), Side.YES, buys);
        Order memory other = _order(field, asset, _actor(makerSeed), swaps ? Side.YES : Side.NO, swaps != buys);
        order.price = bound(tick, 1, 999) * 1e15;
        other.price = swaps ? order.price : 1e18 - order.price;
        uint256 most = _most(order, field, asset);
        if (_most(other, field, asset) < most) most = _most(other, field, asset);
        order.size = bound(size, 0, most) / 1000 * 1000;
        if (order.size == 0) return;
        other.size = order.size;
        _settle(order, other);
        _writeFilled(field, asset, order);
        _writeFilled(field, asset, other);
    }

    function redeem(uint256 actorSeed, uint256 callerSeed, uint256 fieldSeed) external {
        if (fieldCount() == 0) return;
        _redeemField(_actor(actorSeed), _actor(callerSeed), _field(fieldSeed));
    }

    function storeResult(uint256 fieldSeed) external {
        if (fieldCount() == 0) return;
        Field memory field = _field(fieldSeed);
        if (!_isOpen(field)) races.storeResult(field.raceId, field.epoch);
    }

    /// @notice All prices of an epoch, or all but one.
    function resolve(uint256 fieldSeed, uint256 prices, uint256 missing) external {
        if (fieldCount() == 0) return;
        Field memory field = _field(fieldSeed);
        bytes32[] memory feeds = races.raceOf(field.raceId).feeds;
        uint256 startAt = races.raceOf(field.raceId).genesis + (field.epoch - 1) * 300;
        for (uint256 i; i < feeds.length; ++i) {
            if (missing % 16 != i) _post(feeds[i], startAt, prices >> (8 * i));
            _post(feeds[i], startAt + 300, prices >> (8 * i + 4));
        }
    }

    function warp(uint256 time) external {
        // Mostly within an epoch, now and then beyond every deadline.
        vm.warp(block.timestamp + bound(time, 1, time % 32 == 0 ? 5000 : 200));
    }

    function donate(uint256 amount) external {
        amount = bound(amount, 1, 10 * one);
        token.mint(address(races), amount);
        donated += amount;
    }

    function pause(uint256 seed) external {
        vm.prank(guardian);
        races.setTradingPaused(seed % 8 == 0);
    }

    /// @notice Everybody goes home: all epochs end, everything is redeemed and withdrawn.
    function everybodyLeaves() external {
        vm.warp(block.timestamp + 30 days);
        for (uint256 i; i < fieldCount(); ++i) {
            for (uint256 j; j < actors.length; ++j) {
                _redeemField(actors[j], actors[0], fieldAt(i));
            }
        }
        for (uint256 j; j < actors.length; ++j) {
            uint256 balance = races.collateralOf(actors[j]);
            if (balance == 0) continue;
            vm.prank(actors[j]);
            races.withdraw(actors[j], balance);
        }
    }

    function _redeemField(address account, address caller, Field memory field) private {
        if (_isOpen(field)) return;
        for (uint256 i; i < _assets(field); ++i) {
            (uint256 yesShares, uint256 noShares) = _shares(field, i, account);
            if (yesShares + noShares == 0) continue;
            uint256 book = _book(field, i);
            uint256 expected = races.claimable(book, field.epoch, account);
            uint256 before = token.balanceOf(account);
            vm.prank(caller);
            assertEq(expected, races.redeemFor(account, book, _one(field.epoch)), "redeem pays what was claimable");
            assertEq(before + expected, token.balanceOf(account), "redeem pays the owner");
            _writeRedeemed(field, i, account, expected);
        }
    }

    function _order(Field memory field, uint256 asset, address maker, Side side, bool isBuy)
        private
        returns (Order memory order)
    {
        order.maker = maker;
        order.marketId = _book(field, asset);
        order.epoch = field.epoch;
        (order.side, order.isBuy) = (side, isBuy);
        order.expiry = block.timestamp;
        order.salt = ++_salt;
    }

    /// @dev The most that the maker of an order can pay for, or has.
    function _most(Order memory order, Field memory field, uint256 asset) private view returns (uint256) {
        if (order.isBuy) return races.collateralOf(order.maker);
        (uint256 yesShares, uint256 noShares) = _shares(field, asset, order.maker);
        return order.side == Side.YES ? yesShares : noShares;
    }

    function _settle(Order memory taker, Order memory maker) private {
        MakerFill[] memory fills = new MakerFill[](1);
        fills[0] = MakerFill({order: maker, signature: _sign(maker), size: maker.size, fee: 0});
        SignedOrder memory signed = SignedOrder({order: taker, signature: _sign(taker)});
        vm.prank(operator);
        races.matchOrders(signed, 0, fills);
    }

    function _writeFilled(Field memory field, uint256 asset, Order memory order) private {
        int256 change = order.isBuy ? int256(order.size) : -int256(order.size);
        _write(field, asset, order.maker, order.side, change);
    }

    function _sign(Order memory order) private view returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(keyOf[order.maker], races.hashOrder(order));
        return abi.encodePacked(r, s, v);
    }

    function _post(bytes32 feed, uint256 boundary, uint256 price) private {
        (BoundaryStatus status,) = oracle.boundaryOf(feed, boundary);
        if (boundary > block.timestamp || status != BoundaryStatus.NONE) return;
        BoundaryPrice[] memory prices = new BoundaryPrice[](1);
        // Few prices, so that dead heats are common.
        prices[0] = BoundaryPrice(feed, boundary, 1000e18 + price % 3);
        oracle.post(adapter, abi.encode(prices));
    }
}
