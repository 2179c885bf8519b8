// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {HouseTerms, Side} from "../../../contracts/interfaces/IEpochHub.sol";
import {ExpReference} from "../support/ExpReference.sol";
import {HubFixture} from "../support/HubFixture.sol";
import {LmsrHarness} from "../support/LmsrHarness.sol";

/// @notice A house whose fee rises and whose liquidity falls, under any terms and any trades at any times.
abstract contract HubScheduleFuzzTest is HubFixture {
    /// Retiring rounds each side by a unit a step.
    uint256 private constant STEPS = 8;

    struct House {
        uint256 quotedYes;
        uint256 quotedNo;
        uint256 retiredYes;
        uint256 retiredNo;
        uint256 step;
    }

    LmsrHarness internal lmsr = new LmsrHarness();
    HouseTerms internal terms;
    /// What the house set aside, and at which liquidity.
    uint256 internal opening;
    uint256 internal openingLiquidity;

    /// @notice After every trade what is quoted covers the liquidity of the step, and all that the house has covers the
    /// liquidity that it opened with: its worst loss is what was taken at the opening, as if nothing had been retired.
    function testFuzz_HouseKeepsTheRuleOfItsOpening(uint256[4] memory seeds, uint256[12] memory trades) public {
        _open(seeds);
        for (uint256 i; i < trades.length; ++i) {
            _trade(trades[i]);
            if (opening == 0) continue;
            House memory house = _house();
            _assertRule(_liquidityAt(house.step), house.quotedYes, house.quotedNo);
            _assertRule(
                openingLiquidity, house.quotedYes + house.retiredYes + STEPS, house.quotedNo + house.retiredNo + STEPS
            );
        }
    }

    /// @notice What retires leaves the price where it was, whatever the history.
    function testFuzz_RetiringKeepsThePrice(uint256[4] memory seeds, uint256[12] memory trades) public {
        _open(seeds);
        for (uint256 i; i < trades.length; ++i) {
            House memory before = _house();
            _trade(trades[i]);
            House memory after_ = _house();
            if (before.quotedYes == 0 || before.step == after_.step) continue;
            uint256 yes = before.quotedYes + before.retiredYes - after_.retiredYes;
            uint256 no = before.quotedNo + before.retiredNo - after_.retiredNo;
            uint256 liquidity = _liquidityAt(after_.step);
            uint256 price = lmsr.price(_liquidityAt(before.step), before.quotedYes, before.quotedNo);
            // A unit of a holding is worth 1/b of exponent.
            assertApproxEqAbs(price, lmsr.price(liquidity, yes, no), 1e18 / liquidity + 10);
            assertGe(after_.step, before.step);
            assertGe(after_.retiredYes, before.retiredYes);
            assertGe(after_.retiredNo, before.retiredNo);
        }
    }

    /// @notice Whatever the outcome, what traders gain is what the house loses: never more than its opening, and nothing at
    /// all where each share is one half. So nobody gains without risk.
    function testFuzz_TradersGainWhatTheHouseLoses(uint256[4] memory seeds, uint256[12] memory trades) public {
        _open(seeds);
        uint256 before = _worth(alice) + _worth(bob);
        for (uint256 i; i < trades.length; ++i) {
            _trade(trades[i]);
        }
        if (opening == 0) return;
        uint256 snapshot = vm.snapshotState();
        for (uint256 i; i < 3; ++i) {
            _resolve(1, PRICE, PRICE + 1 - i);
            uint256 back = hub.settleHouse(marketId, _one(1));
            _redeem(alice);
            _redeem(bob);
            uint256 worth = _worth(alice) + _worth(bob);
            // A void leaves half a unit with two of the three.
            assertApproxEqAbs(before + opening, worth + back, i == 1 ? 1 : 0);
            assertLe(worth, before + opening);
            if (i == 1) assertGe(back + STEPS + 1, opening);
            _assertSolvent();
            vm.revertToState(snapshot);
        }
    }

    function _open(uint256[4] memory seeds) private {
        uint256 liquidity = bound(seeds[0], 0, 1) == 0 ? bound(seeds[0] >> 8, 1e6, 1e9) : LIQUIDITY;
        uint256 least = (1e10 - 1) / liquidity + 1;
        terms = HouseTerms({
            liquidity: liquidity,
            closingLiquidityBps: bound(seeds[1], least, 10_000),
            feeBps: 0,
            closingFeeBps: seeds[3] % 2 == 0 ? 0 : bound(seeds[2], 0, 1000),
            dailyBudget: type(uint80).max
        });
        _useMarket(terms, LIQUIDITY);
    }

    /// @dev A buy or a sale of any size, up to a minute after the one before; nothing where it would be refused.
    function _trade(uint256 seed) private {
        vm.warp(block.timestamp + (seed >> 8) % 60);
        if (block.timestamp >= GENESIS + 270) vm.warp(GENESIS + 269);
        address trader = seed % 2 == 0 ? alice : bob;
        Side side = (seed >> 1) % 2 == 0 ? Side.YES : Side.NO;
        bool opens = _house().quotedYes == 0;
        uint256 given = (seed >> 16) % (3 * terms.liquidity) + 1;
        uint256 held = hub.balanceOf(trader, _idOf(1, side));
        if ((seed >> 2) % 3 == 0 && held != 0) {
            given = given > held ? held : given;
            (uint256 amount,) = hub.quoteSell(marketId, side, given);
            if (amount == 0) return;
            _sell(trader, side, given);
        } else {
            uint256 balance = hub.collateralOf(trader);
            given = given > balance ? balance : given;
            if (given == 0) return;
            (uint256 shares,) = hub.quoteBuy(marketId, side, given);
            if (shares == 0) return;
            _buy(trader, side, given);
        }
        if (opens) _noteOpening();
    }

    function _noteOpening() private {
        openingLiquidity = _liquidityAt(_house().step);
        opening = (openingLiquidity * 693147180559945310 - 1) / 1e18 + 1;
        assertEq(LIQUIDITY - opening, hub.market(marketId).houseBudget);
    }

    function _assertRule(uint256 liquidity, uint256 yes, uint256 no) private pure {
        assertLe(ExpReference.sumOf(liquidity, yes, no, 0), ExpReference.UNIT + 2 * ExpReference.ERROR);
    }

    function _redeem(address account) private {
        (uint256 yesShares, uint256 noShares) = hub.positionOf(marketId, 1, account);
        if (yesShares + noShares != 0) hub.redeemFor(account, marketId, _one(1));
    }

    function _house() private view returns (House memory house) {
        (house.quotedYes, house.quotedNo, house.retiredYes, house.retiredNo, house.step) = hub.houseState(marketId, 1);
    }

    /// @dev The liquidity of a step, rounded down.
    function _liquidityAt(uint256 step) private view returns (uint256) {
        return terms.liquidity * (80_000 - (10_000 - terms.closingLiquidityBps) * step) / 80_000;
    }

    function _worth(address account) private view returns (uint256) {
        return token.balanceOf(account) + hub.collateralOf(account);
    }
}

contract HubSchedule18FuzzTest is HubScheduleFuzzTest {
    constructor() HubFixture(18) {}
}

contract HubSchedule6FuzzTest is HubScheduleFuzzTest {
    constructor() HubFixture(6) {}
}
