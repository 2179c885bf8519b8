// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BoundaryPrice, BoundaryStatus} from "../../../contracts/interfaces/IBoundaryOracle.sol";
import {Outcome, Side} from "../../../contracts/interfaces/IEpochHub.sol";
import {IMarketFacade} from "../../../contracts/interfaces/IMarketFacade.sol";
import {HubWorld} from "./HubWorld.sol";

/// @title Hub handler
/// @notice Everything that people do with a hub, in any order, by several of them. Nothing here may revert: what the hub
/// would refuse is not tried.
contract HubHandler is HubWorld {
    constructor(HubWorld.Setup memory setup) HubWorld(setup) {}

    function deposit(uint256 actorSeed, uint256 toSeed, uint256 amount) external leavesOthersAlone {
        amount = bound(amount, 1, 500 * one);
        address actor = _actor(actorSeed);
        token.mint(actor, amount);
        address account = _actor(toSeed);
        vm.prank(actor);
        hub.deposit(account, amount);
    }

    function withdraw(uint256 actorSeed, uint256 toSeed, uint256 amount) external leavesOthersAlone {
        address actor = _actor(actorSeed);
        uint256 balance = hub.collateralOf(actor);
        if (balance == 0) return;
        vm.prank(actor);
        hub.withdraw(_actor(toSeed), bound(amount, 1, balance));
    }

    function split(uint256 actorSeed, uint256 marketSeed, uint256 ahead, uint256 amount) external leavesOthersAlone {
        (address actor, uint256 marketId) = (_actor(actorSeed), _market(marketSeed));
        uint256 balance = hub.collateralOf(actor);
        uint256 epoch = hub.currentEpoch(marketId) + ahead % 3;
        if (balance == 0 || epoch == 0) return;
        vm.prank(actor);
        hub.split(marketId, epoch, bound(amount, 1, balance));
        _touch(marketId, epoch);
    }

    function merge(uint256 actorSeed, uint256 epochSeed, uint256 amount) external leavesOthersAlone {
        address actor = _actor(actorSeed);
        // From a random epoch on, the first of which the actor has both sides.
        for (uint256 i; i < 4 && i < touchedCount(); ++i) {
            (uint256 marketId, uint256 epoch) = touchedAt(addmod(epochSeed, i, touchedCount()));
            (uint256 yesShares, uint256 noShares) = hub.positionOf(marketId, epoch, actor);
            uint256 most = yesShares < noShares ? yesShares : noShares;
            if (most == 0) continue;
            vm.prank(actor);
            hub.merge(marketId, epoch, bound(amount, 1, most));
            return;
        }
    }

    function buy(uint256 actorSeed, uint256 marketSeed, bool no, uint256 amount, bool viaFacade)
        external
        leavesOthersAlone
    {
        (address actor, uint256 marketId) = (_actor(actorSeed), _market(marketSeed));
        if (!_tradingActive(marketId)) return;
        uint256 most = viaFacade ? 300 * one : hub.collateralOf(actor);
        if (most == 0) return;
        amount = bound(amount, 1, most);
        Side side = no ? Side.NO : Side.YES;
        (uint256 quoted,) = hub.quoteBuy(marketId, side, amount);
        if (quoted == 0) return;
        uint256 epoch = hub.currentEpoch(marketId);
        _noteOpening(marketId, epoch);
        if (viaFacade) {
            token.mint(actor, amount);
            _buyAtFacade(actor, marketId, side, amount);
        } else {
            vm.prank(actor);
            hub.buy(marketId, side, amount, quoted, epoch, block.timestamp);
        }
        _touch(marketId, epoch);
    }

    function sell(uint256 actorSeed, uint256 marketSeed, bool no, uint256 shares, bool viaFacade)
        external
        leavesOthersAlone
    {
        (address actor, uint256 marketId) = (_actor(actorSeed), _market(marketSeed));
        if (!_tradingActive(marketId)) return;
        uint256 epoch = hub.currentEpoch(marketId);
        (uint256 yesShares, uint256 noShares) = hub.positionOf(marketId, epoch, actor);
        // What there is of the one side or of the other.
        no = no ? noShares != 0 : yesShares == 0;
        uint256 most = no ? noShares : yesShares;
        if (most == 0) return;
        shares = bound(shares, 1, most);
        Side side = no ? Side.NO : Side.YES;
        (uint256 quoted,) = hub.quoteSell(marketId, side, shares);
        if (quoted == 0) return;
        _noteOpening(marketId, epoch);
        IMarketFacade facade = _facade(marketId);
        vm.prank(actor);
        if (!viaFacade) hub.sell(marketId, side, shares, quoted, epoch, block.timestamp);
        else if (no) facade.sellNo(shares, quoted, epoch, block.timestamp);
        else facade.sellYes(shares, quoted, epoch, block.timestamp);
        _touch(marketId, epoch);
    }

    function transferShares(uint256 actorSeed, uint256 toSeed, uint256 epochSeed, bool no, uint256 amount)
        external
        leavesOthersAlone
    {
        if (touchedCount() == 0) return;
        (uint256 marketId, uint256 epoch) = _touched(epochSeed);
        address actor = _actor(actorSeed);
        uint256 id = marketId << 64 | epoch << 8 | (no ? 1 : 0);
        amount = bound(amount, 0, hub.balanceOf(actor, id));
        vm.prank(actor);
        hub.transfer(_actor(toSeed), id, amount);
    }

    function redeem(uint256 actorSeed, uint256 callerSeed, uint256 epochSeed) external {
        // From a random ended epoch and a random account on, the first with something to redeem.
        for (uint256 i; i < 4 && i < touchedCount(); ++i) {
            (uint256 marketId, uint256 epoch) = touchedAt(addmod(epochSeed, i, touchedCount()));
            if (_outcome(marketId, epoch) == Outcome.OPEN) continue;
            for (uint256 j; j < actors.length; ++j) {
                address account = _actor(addmod(actorSeed, j, actors.length));
                if (_redeem(account, _actor(callerSeed), marketId, epoch)) return;
            }
        }
    }

    function fundHouse(uint256 actorSeed, uint256 marketSeed, uint256 amount) external leavesOthersAlone {
        (address actor, uint256 marketId) = (_actor(actorSeed), _market(marketSeed));
        uint256 balance = hub.collateralOf(actor);
        if (balance == 0) return;
        amount = bound(amount, 1, balance);
        vm.prank(actor);
        hub.fundHouse(marketId, amount);
        givenToHouse[marketId] += amount;
    }

    function defundHouse(uint256 marketSeed, uint256 amount) external leavesOthersAlone {
        uint256 marketId = _market(marketSeed);
        uint256 budget = hub.market(marketId).houseBudget;
        if (budget == 0) return;
        // Mostly little, so that the house goes on trading.
        amount = bound(amount, 1, amount % 8 == 0 ? budget : budget / 10 + 1);
        vm.prank(creator);
        hub.defundHouse(marketId, amount);
        takenFromHouse[marketId] += amount;
    }

    function setDailyBudget(uint256 marketSeed, uint256 dailyBudget) external leavesOthersAlone {
        uint256 marketId = _market(marketSeed);
        // Mostly enough for some epochs, now and then for none.
        uint256 liquidity = hub.market(marketId).liquidity;
        dailyBudget = bound(dailyBudget, dailyBudget % 8 == 0 ? 0 : 4 * liquidity, 16 * liquidity);
        vm.prank(creator);
        hub.setDailyBudget(marketId, dailyBudget);
    }

    function settleHouse(uint256 epochSeed) external leavesOthersAlone {
        for (uint256 i; i < 4 && i < touchedCount(); ++i) {
            (uint256 marketId, uint256 epoch) = touchedAt(addmod(epochSeed, i, touchedCount()));
            if (_settle(marketId, epoch)) return;
        }
    }

    function post(uint256 marketSeed, uint256 back, uint256 price) external leavesOthersAlone {
        _post(hub.market(_market(marketSeed)).feed, block.timestamp / 300 * 300 - (back % 5) * 300, price);
    }

    /// @notice Both prices of an epoch that somebody holds shares of.
    function resolve(uint256 epochSeed, uint256 startPrice, uint256 endPrice) external leavesOthersAlone {
        if (touchedCount() == 0) return;
        (uint256 marketId, uint256 epoch) = _touched(epochSeed);
        bytes32 feed = hub.market(marketId).feed;
        uint256 startAt = hub.market(marketId).genesis + (epoch - 1) * 300;
        _post(feed, startAt, startPrice);
        _post(feed, startAt + 300, endPrice);
    }

    function voidBoundary(uint256 marketSeed, uint256 back) external leavesOthersAlone {
        bytes32 feed = hub.market(_market(marketSeed)).feed;
        (, uint256 deadline) = oracle.feedOf(feed);
        uint256 boundary = (block.timestamp - deadline - 1) / 300 * 300 - (back % 5) * 300;
        try oracle.voidBoundary(feed, boundary) {} catch {}
    }

    function warp(uint256 time) external leavesOthersAlone {
        // Mostly within a window, often to another epoch, now and then beyond every deadline.
        vm.warp(block.timestamp + bound(time, 1, time % 32 == 0 ? 5000 : time % 4 == 0 ? 300 : 50));
    }

    function donate(uint256 amount) external {
        amount = bound(amount, 1, 10 * one);
        token.mint(address(hub), amount);
        donated += amount;
    }

    function pause(uint256 seed) external {
        vm.prank(guardian);
        hub.setTradingPaused(seed % 8 == 0);
    }

    /// @notice Everybody goes home: all epochs end, everything is redeemed, settled and withdrawn.
    function everybodyLeaves() external {
        vm.warp(block.timestamp + 30 days);
        for (uint256 i; i < touchedCount(); ++i) {
            (uint256 marketId, uint256 epoch) = touchedAt(i);
            _settle(marketId, epoch);
            for (uint256 j; j < actors.length; ++j) {
                _redeem(actors[j], actors[j], marketId, epoch);
            }
        }
        for (uint256 i; i < markets.length; ++i) {
            uint256 budget = hub.market(markets[i]).houseBudget;
            if (budget == 0) continue;
            vm.prank(creator);
            hub.defundHouse(markets[i], budget);
        }
        for (uint256 j; j < actors.length; ++j) {
            uint256 balance = hub.collateralOf(actors[j]);
            if (balance == 0) continue;
            vm.prank(actors[j]);
            hub.withdraw(actors[j], balance);
        }
    }

    function _post(bytes32 feed, uint256 boundary, uint256 price) private {
        (BoundaryStatus status,) = oracle.boundaryOf(feed, boundary);
        if (boundary > block.timestamp || status != BoundaryStatus.NONE) return;
        BoundaryPrice[] memory prices = new BoundaryPrice[](1);
        // Few prices, so that ties are common.
        prices[0] = BoundaryPrice(feed, boundary, 60_000e18 + price % 3);
        oracle.post(adapter, abi.encode(prices));
    }

    function _buyAtFacade(address actor, uint256 marketId, Side side, uint256 amount) private {
        IMarketFacade facade = _facade(marketId);
        vm.startPrank(actor);
        token.approve(address(facade), amount);
        side == Side.YES ? facade.buyYes(amount) : facade.buyNo(amount);
        vm.stopPrank();
    }

    function _redeem(address account, address caller, uint256 marketId, uint256 epoch) private returns (bool) {
        (uint256 yesShares, uint256 noShares) = hub.positionOf(marketId, epoch, account);
        if (yesShares + noShares == 0) return false;
        uint256 expected = hub.claimable(marketId, epoch, account);
        uint256 before = token.balanceOf(account);
        vm.prank(caller);
        uint256 paid =
            account == caller ? hub.redeem(marketId, _one(epoch)) : hub.redeemFor(account, marketId, _one(epoch));
        assertEq(expected, paid, "redeem pays what was claimable");
        assertEq(before + paid, token.balanceOf(account), "redeem pays the owner");
        _noteRedeemed(marketId, epoch, yesShares, noShares, paid);
        return true;
    }

    function _settle(uint256 marketId, uint256 epoch) private returns (bool) {
        (, uint256 houseYes,, bool settled) = hub.epochState(marketId, epoch);
        if (_outcome(marketId, epoch) == Outcome.OPEN || houseYes == 0 || settled) return false;
        _notePaid(marketId, epoch, hub.settleHouse(marketId, _one(epoch)));
        return true;
    }
}
