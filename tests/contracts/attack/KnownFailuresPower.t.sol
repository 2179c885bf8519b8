// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";

import {ICollateralLedger} from "../../../contracts/interfaces/ICollateralLedger.sol";
import {IEpochHub, Market, Side} from "../../../contracts/interfaces/IEpochHub.sol";
import {HubFixture} from "../support/HubFixture.sol";

/// @notice What those in power could do to people's money in other systems, tried on ours.
abstract contract KnownFailuresPowerTest is HubFixture {
    /// @notice While trading is paused, and whoever paused it, everything that gets money out goes on.
    function test_PauseDoesNotTrapFunds() public {
        uint256 shares = _buy(alice, Side.YES, 100 * ONE);
        _split(bob, 1, 10 * ONE);
        vm.prank(guardian);
        hub.setTradingPaused(true);
        // A guardian that is gone cannot be asked to resume.
        vm.startPrank(owner);
        hub.setGuardian(address(0));
        hub.renounceOwnership();
        vm.stopPrank();

        vm.startPrank(bob);
        hub.split(marketId, 1, ONE);
        hub.merge(marketId, 1, 6 * ONE);
        hub.transfer(alice, _idOf(1, Side.NO), ONE);
        hub.withdraw(bob, hub.collateralOf(bob));
        vm.stopPrank();
        _resolve(1, PRICE, PRICE + 1);
        vm.prank(alice);
        assertEq(shares, hub.redeem(marketId, _one(1)));
        assertEq(5 * ONE, hub.redeemFor(bob, marketId, _one(1)));
        hub.settleHouse(marketId, _one(1));
        uint256 budget = hub.market(marketId).houseBudget;
        vm.startPrank(creator);
        hub.defundHouse(marketId, budget);
        hub.withdraw(creator, budget);
        vm.stopPrank();
        (, uint256 liabilities,) = hub.reserveStatus();
        assertEq(hub.collateralOf(alice), liabilities);
    }

    /// @notice Without a pause, without prices and without anybody's help: sets merge, and a void epoch pays.
    function test_SilentReportersDoNotTrapFunds() public {
        _split(alice, 1, 10 * ONE);
        _buy(bob, Side.NO, 10 * ONE);
        vm.warp(_endOf(1));
        vm.prank(alice);
        hub.merge(marketId, 1, 4 * ONE);
        vm.warp(_endOf(1) + FEED_DEADLINE + 1);
        assertEq(6 * ONE, hub.redeemFor(alice, marketId, _one(1)));
        assertGt(hub.redeemFor(bob, marketId, _one(1)), 0);
    }

    /// @notice The owner names the guardian and nothing else: no call of it moves, mints or takes anything.
    function test_OwnerCannotRug() public {
        _split(alice, 1, 10 * ONE);
        uint256 reserve = token.balanceOf(address(hub));
        bytes[] memory calls = new bytes[](13);
        calls[0] = abi.encodeCall(hub.withdraw, (owner, 1));
        calls[1] = abi.encodeCall(hub.defundHouse, (marketId, 1));
        calls[2] = abi.encodeCall(hub.redeemFor, (alice, marketId, _one(1)));
        calls[3] = abi.encodeCall(hub.settleHouse, (marketId, _one(1)));
        calls[4] = abi.encodeCall(hub.transferFrom, (alice, owner, _idOf(1, Side.YES), 1));
        calls[5] = abi.encodeCall(hub.merge, (marketId, 1, 1));
        calls[6] = abi.encodeCall(hub.sell, (marketId, Side.YES, 1, 0, 0, NEVER));
        calls[7] = abi.encodeCall(hub.sellFromFacade, (marketId, _termsOf(marketId), alice, Side.YES, ONE, 0, 0, NEVER));
        calls[8] = abi.encodeCall(hub.buyFromFacade, (marketId, _termsOf(marketId), owner, Side.YES, ONE, 0, 0, NEVER));
        calls[9] = abi.encodeCall(hub.setTradingPaused, (true));
        calls[10] = abi.encodeCall(hub.split, (marketId, 1, 1));
        calls[11] = abi.encodeCall(hub.fundHouse, (marketId, 1));
        calls[12] = abi.encodeCall(hub.setDailyBudget, (marketId, 1));
        for (uint256 i; i < calls.length; ++i) {
            vm.prank(owner);
            (bool success,) = address(hub).call(calls[i]);
            assertFalse(success);
        }
        assertEq(reserve, token.balanceOf(address(hub)));
        assertEq(10 * ONE, hub.balanceOf(alice, _idOf(1, Side.YES)));
        assertEq(990 * ONE, hub.collateralOf(alice));
    }

    /// @notice The guardian pauses and nothing else.
    function test_GuardianCannotRug() public {
        vm.startPrank(guardian);
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, guardian));
        hub.setGuardian(alice);
        vm.expectRevert(abi.encodeWithSelector(IEpochHub.NotCreator.selector, guardian, creator));
        hub.defundHouse(marketId, 1);
        vm.expectRevert(abi.encodeWithSelector(ICollateralLedger.InsufficientCollateral.selector, guardian, 1, 0));
        hub.withdraw(guardian, 1);
    }

    /// @notice What a market is never changes, so no live epoch is ever traded on other terms than it began with.
    function test_NobodyChangesALiveEpoch() public {
        Market memory before = hub.market(marketId);
        (address feedAdapter, uint256 deadline) = oracle.feedOf(FEED);
        _buy(alice, Side.YES, 10 * ONE);
        vm.startPrank(owner);
        hub.setGuardian(owner);
        hub.setTradingPaused(true);
        hub.setTradingPaused(false);
        vm.expectRevert();
        oracle.registerFeed(FEED, owner, 300);
        vm.stopPrank();
        vm.startPrank(creator);
        hub.defundHouse(marketId, BUDGET - OPENING);
        hub.setDailyBudget(marketId, 0);
        vm.stopPrank();
        assertTrue(_status(marketId).tradingActive);

        Market memory after_ = hub.market(marketId);
        assertEq(before.facade, after_.facade);
        assertEq(before.creator, after_.creator);
        assertEq(before.feed, after_.feed);
        assertEq(before.symbol, after_.symbol);
        assertEq(before.genesis, after_.genesis);
        assertEq(before.liquidity, after_.liquidity);
        assertEq(before.feeBps, after_.feeBps);
        assertEq(before.closingLiquidityBps, after_.closingLiquidityBps);
        assertEq(before.closingFeeBps, after_.closingFeeBps);
        assertEq(address(oracle), address(hub.oracle()));
        (address adapterAfter, uint256 deadlineAfter) = oracle.feedOf(FEED);
        assertEq(feedAdapter, adapterAfter);
        assertEq(deadline, deadlineAfter);
    }

    /// @notice A creator that takes its budget back leaves every promise that its house has made covered.
    function test_CreatorCannotRug() public {
        uint256 yesShares = _buy(alice, Side.YES, 500 * ONE);
        uint256 noShares = _buy(bob, Side.NO, 100 * ONE);
        vm.startPrank(creator);
        hub.defundHouse(marketId, hub.market(marketId).houseBudget);
        hub.withdraw(creator, hub.collateralOf(creator));
        vm.stopPrank();
        uint256 snapshot = vm.snapshotState();
        _resolve(1, PRICE, PRICE + 1);
        assertEq(yesShares, hub.redeemFor(alice, marketId, _one(1)));
        vm.revertToState(snapshot);
        _resolve(1, PRICE, PRICE - 1);
        assertEq(noShares, hub.redeemFor(bob, marketId, _one(1)));
        _assertSolvent();
    }

    /// @notice A market of one's own gives no power over another one's.
    function test_CreatorOfAnotherMarketCannotRug() public {
        vm.startPrank(bob);
        (uint256 own,) = hub.createMarket(FEED, "OWN", GENESIS, _flat(LIQUIDITY, 1000));
        vm.expectRevert(abi.encodeWithSelector(IEpochHub.NotCreator.selector, bob, creator));
        hub.defundHouse(marketId, 1);
        vm.expectRevert(abi.encodeWithSelector(IEpochHub.HouseBudgetTooSmall.selector, 1, 0));
        hub.defundHouse(own, 1);
    }
}

contract KnownFailuresPower18Test is KnownFailuresPowerTest {
    constructor() HubFixture(18) {}
}

contract KnownFailuresPower6Test is KnownFailuresPowerTest {
    constructor() HubFixture(6) {}
}
