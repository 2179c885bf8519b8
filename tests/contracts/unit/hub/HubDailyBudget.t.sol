// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {HouseTerms, IEpochHub, Side} from "../../../../contracts/interfaces/IEpochHub.sol";
import {HubFixture} from "../../support/HubFixture.sol";

/// @notice What may leave a house budget on one UTC day. The fixture's genesis is at 08:00.
abstract contract HubDailyBudgetTest is HubFixture {
    /// Epoch that begins at midnight.
    uint256 internal constant MIDNIGHT = 193;

    function setUp() public override {
        super.setUp();
        HouseTerms memory terms = _flat(LIQUIDITY, FEE_BPS);
        terms.dailyBudget = 2 * OPENING;
        _useMarket(terms, BUDGET);
    }

    /// @notice What a day's openings take is counted, and what is left is open to the unit.
    function test_SpentToday() public {
        for (uint256 epoch = 1; epoch <= 2; ++epoch) {
            vm.warp(_startOf(epoch));
            assertTrue(_status(marketId).tradingActive);
            _buy(alice, Side.YES, ONE);
            _buy(bob, Side.NO, ONE);
            assertEq(epoch * OPENING, hub.market(marketId).spentToday);
        }
    }

    /// @notice A house that would spend more than the day's budget does not open, and its market says so.
    function test_RevertWhen_DailyBudgetIsSpent() public {
        _openFirst(2);
        vm.warp(_startOf(3));
        bytes memory expected =
            abi.encodeWithSelector(IEpochHub.DailyBudgetSpent.selector, OPENING, 2 * OPENING, 2 * OPENING);
        vm.expectRevert(expected);
        _buy(alice, Side.YES, ONE);
        _split(alice, 3, ONE);
        vm.expectRevert(expected);
        _sell(alice, Side.YES, ONE);
        vm.expectRevert(expected);
        vm.prank(alice);
        facade.buyYes(ONE);
        assertFalse(_status(marketId).tradingActive);
        assertEq(2 * OPENING, hub.market(marketId).spentToday);
        assertEq(BUDGET - 2 * OPENING, hub.market(marketId).houseBudget);
    }

    /// @notice One unit short is short.
    function test_RevertWhen_OneUnitIsMissing() public {
        vm.prank(creator);
        hub.setDailyBudget(marketId, OPENING - 1);
        assertFalse(_status(marketId).tradingActive);
        vm.expectRevert(abi.encodeWithSelector(IEpochHub.DailyBudgetSpent.selector, OPENING, 0, OPENING - 1));
        _buy(alice, Side.YES, ONE);
        vm.prank(creator);
        hub.setDailyBudget(marketId, OPENING);
        assertTrue(_status(marketId).tradingActive);
        _buy(alice, Side.YES, ONE);
    }

    /// @notice At midnight UTC the day's budget is whole again.
    function test_NextDayStartsAnew() public {
        vm.warp(_startOf(MIDNIGHT - 2));
        assertEq(uint256(1 days - 600), block.timestamp % 1 days);
        for (uint256 epoch = MIDNIGHT - 2; epoch < MIDNIGHT; ++epoch) {
            vm.warp(_startOf(epoch));
            _buy(alice, Side.YES, ONE);
        }
        vm.warp(_endOf(MIDNIGHT - 1) - 1);
        assertEq(2 * OPENING, hub.market(marketId).spentToday);
        vm.warp(_startOf(MIDNIGHT));
        assertEq(0, hub.market(marketId).spentToday);
        assertTrue(_status(marketId).tradingActive);
        _buy(alice, Side.YES, ONE);
        assertEq(OPENING, hub.market(marketId).spentToday);
        // And a day later, although nothing has settled.
        vm.warp(block.timestamp + 1 days);
        assertEq(0, hub.market(marketId).spentToday);
    }

    /// @notice What comes back on the day is not spent any more.
    function test_WhatComesBackCounts() public {
        _openFirst(2);
        _resolve(1, PRICE, PRICE);
        uint256 payout = hub.settleHouse(marketId, _one(1));
        // A tie with one small buy costs the house nothing.
        assertGt(payout, OPENING);
        assertEq(2 * OPENING - payout, hub.market(marketId).spentToday);
        vm.warp(_startOf(3));
        assertTrue(_status(marketId).tradingActive);
        _buy(alice, Side.YES, ONE);
        assertEq(3 * OPENING - payout, hub.market(marketId).spentToday);
    }

    /// @notice A day's gains are not the next opening's: what is spent is never less than nothing.
    function test_GainsDoNotAddToTheDay() public {
        _buy(alice, Side.YES, 100 * ONE);
        _resolve(1, PRICE, PRICE - 1);
        uint256 payout = hub.settleHouse(marketId, _one(1));
        assertEq(OPENING + 100 * ONE, payout);
        assertEq(0, hub.market(marketId).spentToday);
        _buy(alice, Side.YES, ONE);
        assertEq(OPENING, hub.market(marketId).spentToday);
    }

    /// @notice What an epoch of yesterday leaves comes back today.
    function test_YesterdaysEpochComesBackToday() public {
        vm.warp(_startOf(MIDNIGHT - 1));
        _buy(alice, Side.YES, ONE);
        vm.warp(_startOf(MIDNIGHT));
        _buy(alice, Side.YES, ONE);
        assertEq(OPENING, hub.market(marketId).spentToday);
        _resolve(MIDNIGHT - 1, PRICE, PRICE - 1);
        hub.settleHouse(marketId, _one(MIDNIGHT - 1));
        assertEq(0, hub.market(marketId).spentToday);
    }

    /// @notice A loss stays spent for its day.
    function test_LossStaysSpent() public {
        uint256 shares = _buy(alice, Side.YES, 200 * ONE);
        _resolve(1, PRICE, PRICE + 1);
        hub.settleHouse(marketId, _one(1));
        uint256 lost = shares - 200 * ONE;
        assertEq(lost, hub.market(marketId).spentToday);
        _buy(alice, Side.YES, ONE);
        vm.warp(_startOf(3));
        vm.expectRevert(
            abi.encodeWithSelector(IEpochHub.DailyBudgetSpent.selector, OPENING, lost + OPENING, 2 * OPENING)
        );
        _buy(alice, Side.YES, ONE);
    }

    /// @notice What is given to or taken from the budget is no opening: the day does not count it.
    function test_FundingIsNotSpending() public {
        _openFirst(1);
        vm.prank(alice);
        hub.fundHouse(marketId, ONE);
        vm.prank(creator);
        hub.defundHouse(marketId, 5 * ONE);
        assertEq(OPENING, hub.market(marketId).spentToday);
    }

    /// @notice The creator changes what a day may cost; epochs that are open trade and settle as before.
    function test_SetDailyBudget() public {
        _buy(alice, Side.YES, 10 * ONE);
        bytes memory open = abi.encode(_epochOne());
        (uint256 quoted,) = hub.quoteBuy(marketId, Side.NO, ONE);
        vm.expectEmit(address(hub));
        emit IEpochHub.HouseDailyBudgetSet(marketId, 0);
        vm.prank(creator);
        hub.setDailyBudget(marketId, 0);
        assertEq(0, hub.market(marketId).dailyBudget);
        assertEq(open, abi.encode(_epochOne()));
        assertEq(OPENING, hub.market(marketId).spentToday);
        assertTrue(_status(marketId).tradingActive);
        assertEq(quoted, _buy(bob, Side.NO, ONE));

        vm.warp(_startOf(2));
        assertFalse(_status(marketId).tradingActive);
        vm.expectRevert(abi.encodeWithSelector(IEpochHub.DailyBudgetSpent.selector, OPENING, OPENING, 0));
        _buy(alice, Side.YES, ONE);
        _resolve(1, PRICE, PRICE);
        assertGt(hub.settleHouse(marketId, _one(1)), 0);
    }

    /// @notice Nobody but the creator says what a day may cost, and no more than a budget can be.
    function test_RevertWhen_DailyBudgetIsNotTheCallersToSet() public {
        address[3] memory others = [alice, owner, guardian];
        for (uint256 i; i < others.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IEpochHub.NotCreator.selector, others[i], creator));
            vm.prank(others[i]);
            hub.setDailyBudget(marketId, 1);
        }
        uint256 most = type(uint80).max;
        vm.expectRevert(abi.encodeWithSelector(IEpochHub.DailyBudgetOutOfRange.selector, most + 1, 0, most));
        vm.prank(creator);
        hub.setDailyBudget(marketId, most + 1);
        assertEq(2 * OPENING, hub.market(marketId).dailyBudget);
    }

    /// @notice On no day do openings take more than was allowed for it, less what has come back.
    function testFuzz_NoDayCostsMoreThanItsBudget(uint256 daily, uint256[12] memory seeds) public {
        daily = bound(daily, 0, 5 * OPENING);
        vm.prank(creator);
        hub.setDailyBudget(marketId, daily);
        uint256 price = PRICE;
        for (uint256 i; i < seeds.length; ++i) {
            uint256 epoch = MIDNIGHT - 6 + i;
            vm.warp(_startOf(epoch));
            uint256 before = hub.market(marketId).houseBudget;
            uint256 spent = hub.market(marketId).spentToday;
            if (epoch == MIDNIGHT) assertEq(0, spent);
            bool fits = spent + OPENING <= daily;
            if (!fits) {
                vm.expectRevert(abi.encodeWithSelector(IEpochHub.DailyBudgetSpent.selector, OPENING, spent, daily));
            }
            _buy(alice, seeds[i] % 2 == 0 ? Side.YES : Side.NO, ONE + seeds[i] % (30 * ONE));
            assertEq(fits ? before - OPENING : before, hub.market(marketId).houseBudget);
            assertLe(hub.market(marketId).spentToday, daily);
            uint256 next = price + 1 - (seeds[i] >> 8) % 3;
            _resolve(epoch, price, next);
            price = next;
            if (fits && seeds[i] >> 16 != 0) hub.settleHouse(marketId, _one(epoch));
        }
    }

    function _openFirst(uint256 count) private {
        for (uint256 epoch = 1; epoch <= count; ++epoch) {
            vm.warp(_startOf(epoch));
            _buy(alice, Side.YES, ONE);
        }
    }

    function _epochOne() private view returns (uint256[3] memory state) {
        (state[0], state[1], state[2],) = hub.epochState(marketId, 1);
    }
}

contract HubDailyBudget18Test is HubDailyBudgetTest {
    constructor() HubFixture(18) {}
}

contract HubDailyBudget6Test is HubDailyBudgetTest {
    constructor() HubFixture(6) {}
}
