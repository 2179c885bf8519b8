// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC6909} from "@openzeppelin/contracts/interfaces/IERC6909.sol";

import {ICollateralLedger} from "../../../contracts/interfaces/ICollateralLedger.sol";
import {ICompleteSets} from "../../../contracts/interfaces/ICompleteSets.sol";
import {HouseTerms, IEpochHub, Side} from "../../../contracts/interfaces/IEpochHub.sol";
import {IMarketFacade} from "../../../contracts/interfaces/IMarketFacade.sol";
import {IOrderBook, MakerFill, Order} from "../../../contracts/interfaces/IOrderBook.sol";
import {IOwned} from "../support/Kit.sol";
import {OrderFixture} from "../support/OrderFixture.sol";
import {Recorder} from "./Recorder.sol";

/// @title Hub history
/// @notice Anything that people do with a hub, at random, refused or not, and the logs of what was not.
abstract contract HubHistory is OrderFixture, Recorder {
    address[] internal actors;
    Order[] internal orders;
    uint256[] internal epochsSeen;
    mapping(uint256 epoch => bool) private _isSeen;

    /// @dev The fixture is part of the history: it comes when that is recorded.
    function setUp() public override {}

    /// @dev Two markets, one of whose houses closes by degrees, and everybody equipped.
    function _begin(uint256 seed) internal {
        entropy = seed;
        vm.recordLogs();
        super.setUp();
        actors = [alice, bob, carol, dave, address(wallet), creator];
        vm.prank(creator);
        hub.createMarket(FEED, "FADES", GENESIS, HouseTerms(LIQUIDITY / 10, 2500, 50, 400, 4 * OPENING));
        _deposit(creator, BUDGET);
        vm.prank(creator);
        hub.fundHouse(2, BUDGET);
        for (uint256 i; i < actors.length; ++i) {
            vm.prank(actors[i]);
            token.approve(hub.facadeOf(2), NEVER);
        }
        _note(1);
        _keep(vm.getRecordedLogs());
    }

    /// @dev One transaction, and some time.
    function _step() internal {
        // The house's trades twice as often as the rest.
        uint256 kind = _random(36) % 32;
        if (kind < 12) _trade(kind);
        else if (kind < 17) _share(kind);
        else if (kind < 24) _quote(kind);
        else if (kind < 28) _budget(kind);
        else _power(kind);
        if (_random(4) == 0) vm.warp(block.timestamp + _random(_random(40) == 0 ? 90_000 : 80));
    }

    function _trade(uint256 kind) private {
        (address actor, uint256 market) = (_actor(), 1 + _random(2));
        uint256 epoch = hub.currentEpoch(market) + (kind < 4 ? 0 : _random(8) / 7);
        _note(epoch);
        Side side = Side(_random(2));
        uint256 amount = _amount();
        IMarketFacade front = IMarketFacade(hub.facadeOf(market));
        if (kind == 0) _do(actor, abi.encodeCall(IEpochHub.buy, (market, side, amount, 0, 0, NEVER)));
        if (kind == 1) _do(actor, abi.encodeCall(IEpochHub.sell, (market, side, amount, 0, 0, NEVER)));
        if (kind == 2) _call(actor, address(front), abi.encodeWithSignature("buyYes(uint256)", amount));
        if (kind == 3) _call(actor, address(front), abi.encodeCall(IMarketFacade.sellNo, (amount, 0, 0, NEVER)));
        if (kind == 4) _do(actor, abi.encodeCall(ICollateralLedger.deposit, (_actor(), amount)));
        if (kind == 5) _do(actor, abi.encodeCall(ICollateralLedger.withdraw, (_actor(), amount)));
        if (kind == 6 || kind == 7) _do(actor, abi.encodeCall(ICompleteSets.split, (market, epoch, amount)));
        if (kind == 8) _do(actor, abi.encodeCall(ICompleteSets.merge, (market, epoch, amount)));
        if (kind == 9) _end(actor, market);
        if (kind == 10) _release(actor);
        if (kind == 11) {
            _do(actor, abi.encodeCall(ICollateralLedger.enterTradingMode, ()));
            if (_random(2) == 0) _do(actor, abi.encodeCall(ICollateralLedger.leaveTradingMode, ()));
        }
    }

    /// @dev Announces an asset, and often waits and spends some of it.
    function _release(address actor) private {
        uint256 id = _random(2) == 0 ? 0 : _held(actor);
        _do(actor, abi.encodeCall(ICollateralLedger.requestRelease, (id, 2 * _amount())));
        if (_random(2) == 0) return;
        vm.warp(block.timestamp + 50 + _random(20));
        if (id == 0) _do(actor, abi.encodeCall(ICollateralLedger.withdraw, (actor, _amount())));
        else _do(actor, abi.encodeCall(IERC6909.transfer, (_actor(), id, _amount())));
    }

    /// @dev ERC-6909: transfers, operators and allowances, some without end, to those that match as well.
    function _share(uint256 kind) private {
        (address actor, address other) = (_actor(), _random(2) == 0 ? operator : _actor());
        uint256 id = _held(actor);
        if (kind == 12) _do(actor, abi.encodeCall(IERC6909.transfer, (other, id, _amount())));
        if (kind > 12 && kind < 16) {
            uint256 amount = _random(4) == 0 ? NEVER : 3 * _amount();
            _do(actor, abi.encodeCall(IERC6909.approve, (other, id, amount)));
            _do(other, abi.encodeCall(IERC6909.transferFrom, (actor, _actor(), id, _amount())));
        }
        if (kind == 16) {
            _do(actor, abi.encodeCall(IERC6909.setOperator, (other, _random(3) == 0)));
            _do(other, abi.encodeCall(IERC6909.transferFrom, (actor, _actor(), id, _amount())));
        }
    }

    function _quote(uint256 kind) private {
        if (kind < 21) return _matchSome();
        Order memory order = _someOrder();
        if (kind == 21) _do(order.maker, abi.encodeCall(IOrderBook.cancelOrder, (order)));
        if (kind == 22) _do(_actor(), abi.encodeCall(IOrderBook.registerOrder, (order, _signatureOf(order))));
        if (kind == 23) _do(_actor(), abi.encodeCall(IOrderBook.cancelOrdersBelow, (_random(20))));
    }

    /// @dev One to three makers of either kind; about half of them are orders that there are.
    function _matchSome() private {
        Order memory taker = _newOrder(Side(_random(2)), _random(2) == 0);
        MakerFill[] memory fills = new MakerFill[](1 + _random(3));
        for (uint256 i; i < fills.length; ++i) {
            bool swap = _random(2) == 0;
            Side side = swap ? taker.side : Side(1 - uint256(taker.side));
            Order memory maker = _random(2) == 0 ? _someOrder() : _newOrder(side, swap != taker.isBuy);
            fills[i] = _fill(maker, (1 + _random(2 * ONE / 1000)) * 1000, _random(ONE / 1000));
        }
        bytes memory data = abi.encodeCall(IOrderBook.matchOrders, (_signed(taker), _random(ONE / 1000), fills));
        _do(operator, data);
    }

    function _newOrder(Side side, bool isBuy) private returns (Order memory order) {
        // Prices at which most orders meet.
        order = _order(_actor(), side, isBuy, isBuy ? 480 + _random(120) : 400 + _random(120), 10 * ONE);
        if (order.maker == creator) order.maker = alice;
        order.epoch = hub.currentEpoch(marketId);
        (order.expiry, order.nonce) = (block.timestamp + 400, _random(30));
        orders.push(order);
        _note(order.epoch);
    }

    function _someOrder() private returns (Order memory) {
        if (orders.length == 0) return _newOrder(Side.YES, true);
        // Mostly one of the last.
        uint256 back = _random(orders.length < 6 ? orders.length : 6);
        return orders[orders.length - 1 - back];
    }

    function _budget(uint256 kind) private {
        (address actor, uint256 market) = (_actor(), 1 + _random(2));
        if (kind == 24) _do(actor, abi.encodeCall(IEpochHub.fundHouse, (market, _amount())));
        if (kind == 25) _do(creator, abi.encodeCall(IEpochHub.defundHouse, (market, _amount())));
        if (kind == 26) _do(creator, abi.encodeCall(IEpochHub.setDailyBudget, (market, _random(20) * OPENING)));
        if (kind == 27) _end(actor, market);
    }

    /// @dev The prices of an epoch that has ended, then its house's and somebody's share of it.
    function _end(address actor, uint256 market) private {
        uint256 epoch = epochsSeen[_random(epochsSeen.length)];
        if (epoch >= hub.currentEpoch(market)) return;
        try this.post(_startOf(epoch), PRICE + _random(2)) {} catch {}
        try this.post(_endOf(epoch), PRICE + _random(2)) {} catch {}
        _keep(vm.getRecordedLogs());
        _do(actor, abi.encodeCall(IEpochHub.settleHouse, (market, _one(epoch))));
        _do(actor, abi.encodeCall(ICompleteSets.redeemFor, (_actor(), market, _one(epoch))));
        _do(actor, abi.encodeCall(ICompleteSets.redeem, (market, _one(epoch))));
    }

    function post(uint256 boundary, uint256 price) external {
        _post(boundary, price);
    }

    function _power(uint256 kind) private {
        address nowOwner = hub.owner();
        if (kind == 28) _do(hub.guardian(), abi.encodeCall(ICollateralLedger.setTradingPaused, (_random(4) == 0)));
        if (kind == 29) _do(nowOwner, abi.encodeCall(ICollateralLedger.setGuardian, (_actor())));
        if (kind == 30) {
            _do(nowOwner, abi.encodeCall(IOwned.transferOwnership, (_actor())));
            if (_random(2) == 0) _do(hub.pendingOwner(), abi.encodeCall(IOwned.acceptOwnership, ()));
            else _do(nowOwner, abi.encodeCall(IOrderBook.setMatchOperator, (_actor(), _random(2) == 0)));
        }
        if (kind == 31) {
            HouseTerms memory terms = HouseTerms(LIQUIDITY, 5000, 10, 20, _random(9) * OPENING);
            _do(_actor(), abi.encodeCall(IEpochHub.createMarket, (FEED, "NEW", _endOf(hub.currentEpoch(1)), terms)));
        }
    }

    function _do(address sender, bytes memory data) private {
        _call(sender, address(hub), data);
    }

    function _note(uint256 epoch) private {
        if (_isSeen[epoch]) return;
        _isSeen[epoch] = true;
        epochsSeen.push(epoch);
    }

    function _actor() private returns (address) {
        return actors[_random(actors.length)];
    }

    function _amount() private returns (uint256) {
        return 1 + _random(8 * ONE);
    }

    /// @dev A position that the actor holds, if one of a few tries finds any.
    function _held(address actor) private returns (uint256 id) {
        for (uint256 i; i < 8; ++i) {
            uint256 back = _random(epochsSeen.length < 4 ? epochsSeen.length : 4);
            uint256 epoch = epochsSeen[epochsSeen.length - 1 - back];
            id = (1 + _random(2)) * 2 ** 64 + epoch * 2 ** 8 + _random(2);
            if (hub.balanceOf(actor, id) != 0) return id;
        }
    }
}
