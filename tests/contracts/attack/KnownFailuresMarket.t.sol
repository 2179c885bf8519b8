// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ICompleteSets} from "../../../contracts/interfaces/ICompleteSets.sol";
import {HouseTerms, IEpochHub, Outcome, Side} from "../../../contracts/interfaces/IEpochHub.sol";
import {HubFixture} from "../support/HubFixture.sol";

/// @notice How the markets of other systems have failed, tried on ours.
abstract contract KnownFailuresMarketTest is HubFixture {
    /// @notice Where all traders are on one side and lose, the collateral is the house's, and none of it is stuck.
    function test_RoundWithOneEmptySideDoesNotStrandItsPool() public {
        _buy(alice, Side.YES, 100 * ONE);
        _buy(bob, Side.YES, 50 * ONE);
        _resolve(1, PRICE, PRICE - 1);
        hub.redeemFor(alice, marketId, _one(1));
        hub.redeemFor(bob, marketId, _one(1));
        hub.settleHouse(marketId, _one(1));
        // The house: what it set aside, and all that was paid to it.
        assertEq(BUDGET + 150 * ONE, hub.market(marketId).houseBudget);
        _assertNothingStays();
    }

    /// @notice Where all traders are on one side and win, the house pays them, and none of it is stuck.
    function test_RoundWithOneEmptySidePaysItsWinners() public {
        uint256 shares = _buy(alice, Side.YES, 100 * ONE);
        _resolve(1, PRICE, PRICE + 1);
        assertEq(shares, hub.redeemFor(alice, marketId, _one(1)));
        hub.settleHouse(marketId, _one(1));
        assertEq(BUDGET + 100 * ONE - shares, hub.market(marketId).houseBudget);
        _assertNothingStays();
    }

    /// @notice Where nobody trades, nothing of the house is bound and there is nothing to wind up.
    function test_RoundWithoutTradesBindsNothing() public {
        _resolve(1, PRICE, PRICE + 1);
        assertEq(BUDGET, hub.market(marketId).houseBudget);
        _assertNothingStays();
    }

    /// @notice A tie gives each share one half: both sides together get all that the sets hold.
    function test_TieRobsNeitherSide() public {
        _split(alice, 1, 10 * ONE);
        vm.prank(alice);
        hub.transfer(bob, _idOf(1, Side.NO), 10 * ONE);
        _resolve(1, PRICE, PRICE);
        (Outcome outcome,,) = hub.outcomeOf(marketId, 1);
        assertEq(uint256(Outcome.VOID), uint256(outcome));
        assertEq(5 * ONE, hub.redeemFor(alice, marketId, _one(1)));
        assertEq(5 * ONE, hub.redeemFor(bob, marketId, _one(1)));
        _assertNothingStays();
    }

    /// @notice A missing price is nobody's profit either.
    function test_MissingPriceRobsNeitherSide() public {
        _split(alice, 1, 10 * ONE);
        vm.prank(alice);
        hub.transfer(bob, _idOf(1, Side.NO), 10 * ONE);
        vm.warp(_endOf(1) + FEED_DEADLINE + 1);
        assertEq(5 * ONE, hub.redeemFor(alice, marketId, _one(1)));
        assertEq(5 * ONE, hub.redeemFor(bob, marketId, _one(1)));
        _assertNothingStays();
    }

    /// @notice A tie costs the house nothing but what it has earned of fees, whatever it has retired on the way: traders lose
    /// to it what they paid above one half, and nobody else.
    function test_TieRobsNeitherTheHouseNorItsTraders() public {
        _useMarket(_falling(), BUDGET);
        uint256 yesShares;
        for (uint256 elapsed; elapsed < 270; elapsed += 90) {
            vm.warp(GENESIS + elapsed);
            yesShares += _buy(alice, Side.YES, 50 * ONE);
        }
        uint256 noShares = _buy(bob, Side.NO, 50 * ONE);
        _resolve(1, PRICE, PRICE);
        assertEq(yesShares / 2, hub.redeemFor(alice, marketId, _one(1)));
        assertEq(noShares / 2, hub.redeemFor(bob, marketId, _one(1)));
        hub.settleHouse(marketId, _one(1));
        assertApproxEqAbs(BUDGET + 200 * ONE - (yesShares + noShares) / 2, hub.market(marketId).houseBudget, 2);
        assertGe(hub.market(marketId).houseBudget, BUDGET);
    }

    /// @notice Who knows how the epoch ends, and buys in every step at any price, gains no more than the house set aside.
    function test_InsiderGainsNoMoreThanTheOpening() public {
        HouseTerms memory terms = _falling();
        (terms.feeBps, terms.closingFeeBps) = (0, 0);
        _useMarket(terms, BUDGET);
        _deposit(alice, 100_000 * ONE);
        uint256 before = hub.collateralOf(alice);
        for (uint256 elapsed; elapsed < 270; elapsed += 15) {
            vm.warp(GENESIS + elapsed);
            _buy(alice, Side.YES, (1 + elapsed) * 10 * ONE);
        }
        uint256 paid = before - hub.collateralOf(alice);
        _resolve(1, PRICE, PRICE + 1);
        uint256 payout = hub.redeemFor(alice, marketId, _one(1));
        hub.settleHouse(marketId, _one(1));
        // To the unit what the house has lost, which is most of what it took, as what it retired early was not sold.
        assertEq(payout - paid, BUDGET - hub.market(marketId).houseBudget);
        assertLe(payout - paid, OPENING);
        assertGt(payout - paid, OPENING * 8 / 10);
    }

    /// @notice A redemption made again, by whomever, pays nothing.
    function test_ReplayedRedemptionPaysNothing() public {
        _split(alice, 1, 10 * ONE);
        _split(bob, 1, 10 * ONE);
        _buy(alice, Side.NO, ONE);
        _resolve(1, PRICE, PRICE + 1);
        assertEq(10 * ONE, hub.redeemFor(alice, marketId, _one(1)));
        uint256 balance = token.balanceOf(alice);
        bytes memory expected = abi.encodeWithSelector(ICompleteSets.NothingToRedeem.selector, alice);
        vm.expectRevert(expected);
        hub.redeemFor(alice, marketId, _one(1));
        vm.expectRevert(expected);
        vm.prank(alice);
        hub.redeem(marketId, _one(1));
        assertEq(balance, token.balanceOf(alice));
        // Named twice in one call it is paid once.
        uint256[] memory twice = new uint256[](2);
        (twice[0], twice[1]) = (1, 1);
        assertEq(10 * ONE, hub.redeemFor(bob, marketId, twice));
    }

    /// @notice The smallest amounts never buy shares for nothing, and many of them no more than one of their sum.
    function test_DepositTooSmallDoesNotRoundToFreeShares() public {
        // About what the house rounds by.
        uint256 speck = LIQUIDITY / 1e18 + 1;
        (uint256 whole,) = hub.quoteBuy(marketId, Side.YES, 200 * speck);
        uint256 paid;
        uint256 shares;
        uint256 refused;
        for (uint256 amount = speck; paid + amount <= 200 * speck; amount += speck) {
            (uint256 quoted,) = hub.quoteBuy(marketId, Side.YES, amount);
            if (quoted == 0) {
                ++refused;
                vm.expectRevert(abi.encodeWithSelector(IEpochHub.SlippageExceeded.selector, 0, 0));
                _buy(alice, Side.YES, amount);
                continue;
            }
            paid += amount;
            shares += _buy(alice, Side.YES, amount);
        }
        assertGt(refused, 0);
        assertGt(shares, 0);
        // At a price of one half.
        assertLe(shares, 2 * paid);
        assertLe(shares, whole);
        assertEq(1000 * ONE - paid, hub.collateralOf(alice));
    }

    /// @notice At the least liquidity and no fee, where rounding is coarsest, small trades gain nothing.
    function test_SmallRoundTripsGainNothingAtTheLeastLiquidity() public {
        marketId = _createMarket("TINY", GENESIS, 1e6, 0);
        vm.prank(alice);
        hub.fundHouse(marketId, 1e6);
        uint256 before = hub.collateralOf(bob);
        for (uint256 amount = 1; amount < 60; ++amount) {
            (uint256 shares,) = hub.quoteBuy(marketId, Side.NO, amount);
            if (shares == 0) continue;
            _buy(bob, Side.NO, amount);
            (uint256 back,) = hub.quoteSell(marketId, Side.NO, shares);
            assertLe(back, amount);
            if (back != 0) _sell(bob, Side.NO, shares);
        }
        assertLe(hub.collateralOf(bob), before);
    }

    /// @notice A trade that waited too long does not land in the next epoch if its sender named the one it was for.
    function test_TradeDoesNotLandInTheNextEpoch() public {
        vm.warp(_endOf(1) - 1);
        uint256 epoch = hub.currentEpoch(marketId);
        vm.warp(_endOf(1));
        bytes memory expected = abi.encodeWithSelector(IEpochHub.WrongEpoch.selector, 1, 2);
        vm.startPrank(alice);
        vm.expectRevert(expected);
        facade.buyYes(ONE, 0, epoch, NEVER);
        vm.expectRevert(expected);
        hub.buy(marketId, Side.NO, ONE, 0, epoch, NEVER);
    }

    /// @notice Between the window's end and the next epoch nothing lands anywhere.
    function test_TradeAfterTheWindowLandsNowhere() public {
        vm.warp(_endOf(1) - 30);
        vm.expectRevert(abi.encodeWithSelector(IEpochHub.OutsideTradingWindow.selector, _endOf(1) - 30, _endOf(1) - 30));
        vm.prank(alice);
        facade.buyYes(ONE);
        (uint256 sets,,,) = hub.epochState(marketId, 1);
        (uint256 setsAfter,,,) = hub.epochState(marketId, 2);
        assertEq(0, sets + setsAfter);
    }

    /// @notice Who comes first, with a speck and a gift, does not spoil the price of who comes second.
    function test_FirstDepositorDoesNotSkewTheSecond() public {
        address attacker = makeAddr("attacker");
        (uint256 fair,) = hub.quoteBuy(marketId, Side.YES, 100 * ONE);
        uint256 speck = LIQUIDITY / 1e16 + 10;
        _deposit(attacker, speck);
        vm.prank(attacker);
        hub.buy(marketId, Side.YES, speck, 0, 1, NEVER);
        token.mint(address(hub), 1_000_000 * ONE);

        uint256 shares = _buy(alice, Side.YES, 100 * ONE);
        assertApproxEqAbs(fair, shares, 3 * speck);
        _resolve(1, PRICE, PRICE + 1);
        assertEq(shares, hub.redeemFor(alice, marketId, _one(1)));
        assertLe(hub.redeemFor(attacker, marketId, _one(1)), 2 * speck);
    }

    /// @notice The first to come onto an empty hub gets out what it put in, whatever was given to the hub before.
    function test_FirstDepositorGetsItsOwnBack() public {
        hub = _deployHub(address(token));
        token.mint(address(hub), 7 * ONE);
        _deposit(alice, 1);
        _deposit(bob, 5 * ONE);
        assertEq(1, hub.collateralOf(alice));
        assertEq(5 * ONE, hub.collateralOf(bob));
        vm.prank(bob);
        hub.withdraw(bob, 5 * ONE);
        vm.prank(alice);
        hub.withdraw(alice, 1);
        (uint256 reserve, uint256 liabilities,) = hub.reserveStatus();
        assertEq(7 * ONE, reserve);
        assertEq(0, liabilities);
    }

    /// @notice Gifts of collateral change no balance, no price, no payout and nobody's right to withdraw.
    function test_DonatedCollateralDoesNotBreakAccounting() public {
        _buy(alice, Side.YES, 10 * ONE);
        uint256 priceBefore = _status(marketId).yesPrice;
        (, uint256 owed,) = hub.reserveStatus();
        token.mint(address(hub), 123 * ONE);
        token.mint(address(facade), 77 * ONE);

        assertEq(priceBefore, _status(marketId).yesPrice);
        (uint256 reserve, uint256 owedAfter,) = hub.reserveStatus();
        assertEq(owed, owedAfter);
        assertEq(owed + 123 * ONE, reserve);
        // Nobody gets at the gift: a deposit has to be paid for.
        vm.startPrank(makeAddr("attacker"));
        token.approve(address(hub), NEVER);
        vm.expectRevert();
        hub.deposit(alice, ONE);
        vm.stopPrank();
        _split(alice, 1, ONE);
        vm.prank(alice);
        facade.buyNo(ONE);
        _resolve(1, PRICE, PRICE + 1);
        hub.redeemFor(alice, marketId, _one(1));
        hub.settleHouse(marketId, _one(1));
        (reserve, owedAfter,) = hub.reserveStatus();
        assertEq(owedAfter + 123 * ONE, reserve);
    }

    /// @dev After everything was redeemed and settled the hub owes balances and the budget, and nothing else.
    function _assertNothingStays() private view {
        (uint256 reserve, uint256 liabilities,) = hub.reserveStatus();
        uint256 owed = hub.collateralOf(alice) + hub.collateralOf(bob) + hub.market(marketId).houseBudget;
        assertEq(owed, liabilities);
        assertEq(owed, reserve);
    }
}

contract KnownFailuresMarket18Test is KnownFailuresMarketTest {
    constructor() HubFixture(18) {}
}

contract KnownFailuresMarket6Test is KnownFailuresMarketTest {
    constructor() HubFixture(6) {}
}
