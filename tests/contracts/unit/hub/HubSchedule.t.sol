// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IEpochHub, Outcome, Side} from "../../../../contracts/interfaces/IEpochHub.sol";
import {HubFixture} from "../../support/HubFixture.sol";

/// @notice A house whose fee rises and whose liquidity falls as the window passes.
abstract contract HubScheduleTest is HubFixture {
    uint256 internal constant STEPS = 9;

    function setUp() public override {
        super.setUp();
        _useMarket(_falling(), BUDGET);
    }

    /// @notice A buy pays the fee of its second: from one per cent towards five.
    function test_BuyPaysTheFeeOfItsSecond() public {
        uint16[4] memory seconds_ = [0, 1, 135, 269];
        for (uint256 i; i < seconds_.length; ++i) {
            vm.warp(GENESIS + seconds_[i]);
            // A fee of so much has no fractions of a unit in any second.
            uint256 amount = 27 * ONE;
            uint256 expected = amount / 100 + amount * 4 * seconds_[i] / 27_000;
            (uint256 shares, uint256 fee) = hub.quoteBuy(marketId, Side.YES, amount);
            assertEq(expected, fee);
            vm.expectEmit(address(hub));
            emit IEpochHub.Bought(marketId, 1, alice, Side.YES, amount, expected, shares, false);
            _buy(alice, Side.YES, amount);
        }
    }

    /// @notice A sale leaves the fee of its second with the house.
    function test_SellPaysTheFeeOfItsSecond() public {
        _split(alice, 1, 100 * ONE);
        uint256 before = type(uint256).max;
        for (uint256 elapsed; elapsed < 270; elapsed += 89) {
            vm.warp(GENESIS + elapsed);
            (uint256 amount, uint256 fee) = hub.quoteSell(marketId, Side.NO, ONE);
            uint256 rate = 100 * 270 + 400 * elapsed;
            assertEq(((amount + fee) * rate - 1) / 2_700_000 + 1, fee);
            assertLt(amount, before);
            before = amount;
            vm.expectEmit(address(hub));
            emit IEpochHub.Sold(marketId, 1, alice, Side.NO, ONE, fee, amount, false);
            assertEq(amount, _sell(alice, Side.NO, ONE));
        }
    }

    /// @notice The later a house opens, the less it sets aside: a tenth of its opening less in every step.
    function test_OpeningLateTakesLess() public {
        for (uint256 step; step < STEPS; ++step) {
            uint256 epoch = step + 1;
            vm.warp(_startOf(epoch) + 30 * step + 29);
            uint256 opening = _openingAt(step);
            uint256 before = hub.market(marketId).houseBudget;
            vm.expectEmit(address(hub));
            emit IEpochHub.HouseOpened(marketId, epoch, opening);
            _buy(alice, Side.YES, ONE);
            assertEq(before - opening, hub.market(marketId).houseBudget);
            (,,,, uint256 stored) = hub.houseState(marketId, epoch);
            assertEq(step, stored);
        }
        assertEq(OPENING, _openingAt(0));
        assertApproxEqAbs(OPENING / 5, _openingAt(8), 1);
    }

    /// @notice The first trade of a step takes out what a tenth of the opening's liquidity holds, and says so.
    function test_Retire() public {
        _buy(alice, Side.YES, 100 * ONE);
        (uint256 yes, uint256 no,,,) = hub.houseState(marketId, 1);
        vm.warp(GENESIS + 30);
        // What stays is rounded up.
        (uint256 yesGone, uint256 noGone) = (yes - ((yes * 9 - 1) / 10 + 1), no - ((no * 9 - 1) / 10 + 1));
        (uint256 shares,) = hub.quoteBuy(marketId, Side.NO, ONE);
        vm.expectEmit(address(hub));
        emit IEpochHub.HouseRetired(marketId, 1, 1, yesGone, noGone);
        assertEq(shares, _buy(alice, Side.NO, ONE));

        (uint256 quotedYes, uint256 quotedNo, uint256 retiredYes, uint256 retiredNo, uint256 step) =
            hub.houseState(marketId, 1);
        assertEq(yes - yesGone + ONE, quotedYes);
        assertEq(no - noGone + ONE - shares, quotedNo);
        assertEq(yesGone, retiredYes);
        assertEq(noGone, retiredNo);
        assertEq(1, step);
        (uint256 sets, uint256 houseYes, uint256 houseNo,) = hub.epochState(marketId, 1);
        assertEq(OPENING + 101 * ONE, sets);
        assertEq(quotedYes + retiredYes, houseYes);
        assertEq(quotedNo + retiredNo, houseNo);
    }

    /// @notice A sale retires as a buy does.
    function test_SellRetires() public {
        uint256 shares = _buy(alice, Side.YES, 100 * ONE);
        (uint256 yes, uint256 no,,,) = hub.houseState(marketId, 1);
        vm.warp(GENESIS + 60);
        vm.expectEmit(address(hub));
        emit IEpochHub.HouseRetired(marketId, 1, 2, yes - ((yes * 8 - 1) / 10 + 1), no - ((no * 8 - 1) / 10 + 1));
        _sell(alice, Side.YES, shares / 2);
    }

    /// @notice Within a step nothing is retired, whatever the second.
    function test_NothingIsRetiredWithinAStep() public {
        _buy(alice, Side.YES, 100 * ONE);
        vm.warp(GENESIS + 29);
        _buy(alice, Side.NO, ONE);
        (,, uint256 retiredYes, uint256 retiredNo, uint256 step) = hub.houseState(marketId, 1);
        assertEq(0, retiredYes + retiredNo + step);
    }

    /// @notice A house of even liquidity retires nothing, in any step.
    function test_EvenHouseRetiresNothing() public {
        _useMarket(_flat(LIQUIDITY, FEE_BPS), BUDGET);
        for (uint256 elapsed; elapsed < 270; elapsed += 30) {
            vm.warp(GENESIS + elapsed);
            _buy(alice, Side.YES, ONE);
            (,, uint256 retiredYes, uint256 retiredNo,) = hub.houseState(marketId, 1);
            assertEq(0, retiredYes + retiredNo);
        }
    }

    /// @notice No price moves because time passes: in each step the price is what it was before, less the rounding.
    function test_RetiringKeepsThePrice() public {
        _buy(alice, Side.YES, 300 * ONE);
        uint256 price = _status(marketId).yesPrice;
        for (uint256 step = 1; step < STEPS; ++step) {
            vm.warp(GENESIS + 30 * step);
            assertEq(price, _status(marketId).yesPrice);
            // The smallest of trades, whose own weight on the price is a hundred-millionth.
            _buy(bob, Side.NO, ONE / 100_000);
            assertApproxEqAbs(price, _status(marketId).yesPrice, 1e11);
            price = _status(marketId).yesPrice;
        }
    }

    /// @notice The same money moves the price further in each step: five times as far in the last as in the first.
    function test_PriceMovesFurtherInEveryStep() public {
        uint256 before;
        uint256 first;
        for (uint256 step; step < STEPS; ++step) {
            _useMarket(_falling(), BUDGET);
            vm.warp(GENESIS + 30 * step);
            _buy(alice, Side.YES, ONE);
            uint256 moved = _status(marketId).yesPrice - 0.5e18;
            assertGt(moved, before);
            if (step == 0) first = moved;
            before = moved;
            vm.warp(GENESIS);
        }
        // Of which the fee has taken some.
        assertApproxEqRel(5 * first, before, 0.05e18);
    }

    /// @notice Steps in which nobody trades are made up for at once: it comes to the same as one after the other.
    function test_SkippedStepsAreMadeUpFor() public {
        _buy(alice, Side.YES, 100 * ONE);
        (uint256 yes, uint256 no,,,) = hub.houseState(marketId, 1);
        vm.warp(GENESIS + 269);
        vm.expectEmit(address(hub));
        emit IEpochHub.HouseRetired(marketId, 1, 8, yes - ((yes - 1) / 5 + 1), no - ((no - 1) / 5 + 1));
        _buy(alice, Side.YES, ONE);
    }

    /// @notice Sets that people make or take apart are not the house's: they retire nothing and leave the step alone.
    function test_SetsRetireNothing() public {
        _buy(alice, Side.YES, ONE);
        vm.warp(GENESIS + 100);
        _buy(alice, Side.YES, ONE);
        (uint256 yes, uint256 no, uint256 yesGone, uint256 noGone, uint256 step) = hub.houseState(marketId, 1);
        assertEq(3, step);
        vm.warp(GENESIS + 200);
        _split(bob, 1, 5 * ONE);
        vm.prank(bob);
        hub.merge(marketId, 1, 2 * ONE);
        (uint256 yes2, uint256 no2, uint256 yesGone2, uint256 noGone2, uint256 step2) = hub.houseState(marketId, 1);
        assertEq(abi.encode(yes, no, yesGone, noGone, step), abi.encode(yes2, no2, yesGone2, noGone2, step2));
    }

    /// @notice A quote says in each step what the trade then gets, the house's retiring included.
    function test_QuotesFollowTheSchedule() public {
        for (uint256 step; step < STEPS; ++step) {
            vm.warp(GENESIS + 30 * step + 7);
            (uint256 shares,) = hub.quoteBuy(marketId, Side.YES, 20 * ONE);
            assertEq(shares, _buy(alice, Side.YES, 20 * ONE));
            vm.warp(GENESIS + 30 * step + 29);
            (uint256 amount,) = hub.quoteSell(marketId, Side.YES, shares / 2);
            assertEq(amount, _sell(alice, Side.YES, shares / 2));
        }
    }

    /// @notice A house that has retired settles for all its shares, after each outcome.
    function test_SettleAfterRetiringPaysAll() public {
        for (uint256 step; step < STEPS; ++step) {
            vm.warp(GENESIS + 30 * step);
            _buy(step % 3 == 0 ? bob : alice, step % 3 == 0 ? Side.NO : Side.YES, 30 * ONE);
        }
        (uint256 sets, uint256 houseYes, uint256 houseNo,) = hub.epochState(marketId, 1);
        uint256 before = hub.market(marketId).houseBudget;
        uint256 snapshot = vm.snapshotState();
        for (uint256 i; i < 3; ++i) {
            _resolve(1, PRICE, PRICE + 1 - i);
            Outcome outcome = [Outcome.YES, Outcome.VOID, Outcome.NO][i];
            uint256 expected = [houseYes, (houseYes + houseNo) / 2, houseNo][i];
            vm.expectEmit(address(hub));
            emit IEpochHub.HouseSettled(marketId, 1, houseYes, houseNo, expected);
            assertEq(expected, hub.settleHouse(marketId, _one(1)));
            assertEq(before + expected, hub.market(marketId).houseBudget);
            (Outcome actual,,) = hub.outcomeOf(marketId, 1);
            assertEq(uint256(outcome), uint256(actual));
            uint256 paid = hub.redeemFor(alice, marketId, _one(1)) + hub.redeemFor(bob, marketId, _one(1));
            // A void leaves half a unit with two of the three.
            assertApproxEqAbs(sets, expected + paid, i == 1 ? 1 : 0);
            _assertSolvent();
            vm.revertToState(snapshot);
        }
    }

    /// @dev b·ln 2 of a step, rounded up: b falls by a tenth of the opening's in each.
    function _openingAt(uint256 step) private view returns (uint256) {
        return (LIQUIDITY / 10 * (10 - step) * 693147180559945310 - 1) / 1e18 + 1;
    }
}

contract HubSchedule18Test is HubScheduleTest {
    constructor() HubFixture(18) {}
}

contract HubSchedule6Test is HubScheduleTest {
    constructor() HubFixture(6) {}
}
