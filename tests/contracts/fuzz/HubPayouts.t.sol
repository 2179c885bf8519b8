// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Outcome, Side} from "../../../contracts/interfaces/IEpochHub.sol";
import {HubFixture} from "../support/HubFixture.sol";

/// @notice What shares pay, however they were passed about and whatever the prices.
abstract contract HubPayoutsFuzzTest is HubFixture {
    /// @notice The outcome is a function of the two prices, and every holder is paid by it and no more.
    function testFuzz_PayoutsFollowThePrices(uint128[2] memory prices, uint96[3] memory splits, uint96[6] memory moves)
        public
    {
        address[3] memory holders = [alice, bob, makeAddr("carol")];
        uint256 sets = _distribute(holders, splits, moves);
        prices[0] = uint128(bound(prices[0], 1, type(uint128).max - 1));
        prices[1] = uint128(bound(prices[1], 1, type(uint128).max - 1));
        // One in four is a tie.
        if (moves[0] % 4 == 0) prices[1] = prices[0];
        _resolve(1, prices[0], prices[1]);

        uint256 paid;
        for (uint256 i; i < holders.length; ++i) {
            (uint256 yesShares, uint256 noShares) = hub.positionOf(marketId, 1, holders[i]);
            if (yesShares + noShares == 0) continue;
            uint256 expected = prices[1] > prices[0] ? yesShares : noShares;
            if (prices[1] == prices[0]) expected = (yesShares + noShares) / 2;
            assertEq(expected, hub.claimable(marketId, 1, holders[i]));
            uint256 before = token.balanceOf(holders[i]);
            assertEq(expected, hub.redeemFor(holders[i], marketId, _one(1)));
            assertEq(before + expected, token.balanceOf(holders[i]));
            paid += expected;
        }
        assertLe(paid, sets);
        // A tie may leave half a unit with each holder.
        assertGe(paid + 2, sets);
        _assertSolvent();
    }

    /// @notice Prices that come late, or not at all, end in the same void for everybody.
    function testFuzz_LatePricesAreVoid(uint256 startDelay, uint256 endDelay, uint96 amount) public {
        amount = uint96(bound(amount, 1, 1000 * ONE));
        _split(alice, 1, amount);
        startDelay = bound(startDelay, 0, 2 * FEED_DEADLINE);
        endDelay = bound(endDelay, 0, 2 * FEED_DEADLINE);
        (uint256 startAt, uint256 endAt) = (_startOf(1) + startDelay, _endOf(1) + endDelay);
        if (startAt <= endAt) _tryPost(startAt, _startOf(1), startDelay, PRICE);
        _tryPost(endAt, _endOf(1), endDelay, PRICE + 1);
        if (startAt > endAt) _tryPost(startAt, _startOf(1), startDelay, PRICE);
        vm.warp(_endOf(1) + 3 * FEED_DEADLINE);

        bool decided = startDelay <= FEED_DEADLINE && endDelay <= FEED_DEADLINE;
        (Outcome outcome,,) = hub.outcomeOf(marketId, 1);
        assertEq(uint256(decided ? Outcome.YES : Outcome.VOID), uint256(outcome));
        assertEq(amount, hub.redeemFor(alice, marketId, _one(1)));
    }

    /// @notice Once an outcome is known it never changes.
    function testFuzz_OutcomesAreFinal(uint256[5] memory waits, uint256 prices) public {
        Outcome known;
        for (uint256 i; i < waits.length; ++i) {
            vm.warp(block.timestamp + bound(waits[i], 0, FEED_DEADLINE));
            // Each step somebody posts one of the prices, if it can still be posted.
            uint256 boundary = waits[i] % 2 == 0 ? _startOf(1) : _endOf(1);
            try this.postForFuzz(boundary, PRICE + (prices >> i) % 2) {} catch {}
            (Outcome outcome,,) = hub.outcomeOf(marketId, 1);
            if (known != Outcome.OPEN) assertEq(uint256(known), uint256(outcome));
            known = outcome;
        }
        vm.warp(block.timestamp + 30 days);
        (Outcome last,,) = hub.outcomeOf(marketId, 1);
        if (known != Outcome.OPEN) assertEq(uint256(known), uint256(last));
        else assertEq(uint256(Outcome.VOID), uint256(last));
    }

    /// @notice For `try`, which takes external calls only.
    function postForFuzz(uint256 boundary, uint256 price) external {
        _post(boundary, price);
    }

    function _tryPost(uint256 nowAt, uint256 boundary, uint256 delay, uint256 price) private {
        vm.warp(nowAt);
        if (delay <= FEED_DEADLINE) _post(boundary, price);
    }

    /// @dev Everybody splits something, and passes some of either side on.
    function _distribute(address[3] memory holders, uint96[3] memory splits, uint96[6] memory moves)
        private
        returns (uint256 sets)
    {
        for (uint256 i; i < 3; ++i) {
            uint256 amount = bound(splits[i], 1, 1000 * ONE);
            if (i == 2) _deposit(holders[i], amount);
            _split(holders[i], 1, amount);
            sets += amount;
        }
        for (uint256 i; i < moves.length; ++i) {
            address from = holders[i % 3];
            uint256 id = _idOf(1, i < 3 ? Side.YES : Side.NO);
            uint256 amount = bound(moves[i], 0, hub.balanceOf(from, id));
            vm.prank(from);
            hub.transfer(holders[(i + 1) % 3], id, amount);
        }
    }
}

contract HubPayouts18FuzzTest is HubPayoutsFuzzTest {
    constructor() HubFixture(18) {}
}

contract HubPayouts6FuzzTest is HubPayoutsFuzzTest {
    constructor() HubFixture(6) {}
}
