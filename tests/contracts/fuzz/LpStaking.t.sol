// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {GraduatedFixture} from "../support/GraduatedFixture.sol";

/// @notice The staking with any stakes, rewards and times.
contract LpStakingFuzzTest is GraduatedFixture {
    struct Staker {
        uint256 amount;
        /// When it comes and when it leaves, in seconds from the start of the stream.
        uint256 from;
        uint256 to;
    }

    /// @notice Each staker earns by its part of all that was staked at the time: never more than that, and less by no
    /// more than a base unit for each change of the stakes.
    function testFuzz_EachEarnsItsPart(uint256 reward, Staker[2] memory stakers) public {
        reward = bound(reward, 1, 1e15);
        uint256 base = _stakeFor(bob, 100e6);
        _bind(stakers[0]);
        _bind(stakers[1]);
        address[2] memory people = [alice, makeAddr("carol")];
        _fund(people, stakers);
        _reward(reward);
        uint256[2] memory expected;
        for (uint256 second; second < 7 days; second += 1 hours) {
            uint256 total = base;
            for (uint256 i; i < 2; ++i) {
                vm.startPrank(people[i]);
                if (stakers[i].from == second) staking.stake(stakers[i].amount);
                if (stakers[i].to == second) staking.unstake(stakers[i].amount);
                vm.stopPrank();
                if (stakers[i].from <= second && second < stakers[i].to) total += stakers[i].amount;
            }
            for (uint256 i; i < 2; ++i) {
                // Scaled, so that the reference does not round.
                if (stakers[i].from <= second && second < stakers[i].to) {
                    expected[i] += reward * 1e18 / (7 * 24) * stakers[i].amount / total;
                }
            }
            skip(1 hours);
        }
        uint256 sum = _quoteEarned(bob);
        for (uint256 i; i < 2; ++i) {
            uint256 earned = _quoteEarned(people[i]);
            assertLe(earned, expected[i] / 1e18 + 1);
            assertGe(earned + 5, expected[i] / 1e18);
            sum += earned;
        }
        assertLe(sum, reward);
        assertGe(sum + 15, reward);
    }

    /// @notice Whatever comes and whenever, all of it is paid in the end but for crumbs, and never more.
    function testFuzz_AllIsPaidInTheEnd(uint256[6] memory rewards, uint256[6] memory pauses) public {
        uint256 shares = _stakeFor(bob, 100e6);
        uint256 all;
        uint256 before = usdc.balanceOf(bob);
        for (uint256 i; i < rewards.length; ++i) {
            all += _reward(bound(rewards[i], 1, 1e15));
            skip(bound(pauses[i], 0, 20 days));
            // In turns everybody leaves, and comes back.
            vm.startPrank(bob);
            if (i % 2 == 0) staking.unstake(shares);
            else staking.stake(shares);
            vm.stopPrank();
            _assertCovered();
        }
        for (uint256 i; i < 2; ++i) {
            skip(7 days);
            staking.harvest();
        }
        skip(7 days);
        staking.claim(bob);
        uint256 paid = usdc.balanceOf(bob) - before;
        assertLe(paid, all);
        assertGe(paid + 20, all);
        _assertCovered();
    }

    /// @dev Stays whole hours, within the stream.
    function _bind(Staker memory staker) private pure {
        staker.from = bound(staker.from, 0, 7 * 24 - 2) * 1 hours;
        staker.to = bound(staker.to, staker.from / 1 hours + 1, 7 * 24 - 1) * 1 hours;
        staker.amount = bound(staker.amount, 1, 1e16);
    }

    /// @dev Gives both their shares, of bob's making.
    function _fund(address[2] memory people, Staker[2] memory stakers) private {
        _addLiquidity(bob, 1000e6);
        for (uint256 i; i < 2; ++i) {
            vm.prank(bob);
            pool.transfer(people[i], stakers[i].amount);
            vm.prank(people[i]);
            pool.approve(address(staking), stakers[i].amount);
        }
    }
}
