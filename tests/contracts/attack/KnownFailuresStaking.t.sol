// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ReentrancyGuard} from "@openzeppelin/contracts/utils/ReentrancyGuard.sol";

import {IAerodromeFactory} from "../../../contracts/interfaces/external/IAerodromeFactory.sol";
import {ReentrantToken} from "../doubles/ReentrantToken.sol";
import {CurveFixture} from "../support/CurveFixture.sol";
import {GraduatedFixture} from "../support/GraduatedFixture.sol";
import {UniswapPools} from "../support/UniswapPools.sol";

/// @notice How locks and stakings of other systems have failed, tried on ours.
contract KnownFailuresStakingTest is GraduatedFixture {
    /// @notice Who comes first, with a speck and a gift of shares, takes nothing from who comes second.
    function test_FirstDepositorDoesNotSkewTheSecond() public {
        uint256 shares = _addLiquidity(alice, 300e6);
        vm.startPrank(alice);
        staking.stake(1);
        pool.transfer(address(staking), shares - 1);
        vm.stopPrank();
        uint256 others = _stakeFor(bob, 300e6);
        assertEq(others, staking.stakedOf(bob));
        _reward(70e6);
        skip(7 days);
        assertApproxEqAbs(70e6, _quoteEarned(bob), 1);
        assertEq(0, _quoteEarned(alice));
        vm.prank(bob);
        staking.exit();
        assertEq(others, pool.balanceOf(bob));
    }

    /// @notice A single base unit that was staked alone for long breaks nothing for who comes later.
    function test_SpeckStakedAloneDoesNotOverflow() public {
        _addLiquidity(alice, 300e6);
        vm.prank(alice);
        staking.stake(1);
        for (uint256 i; i < 20; ++i) {
            usdc.mint(address(staking), 1e18);
            staking.harvest();
            skip(7 days);
        }
        uint256 others = _stakeFor(bob, 300e6);
        _reward(70e6);
        skip(7 days);
        assertApproxEqAbs(70e6, _quoteEarned(bob), 1);
        vm.prank(bob);
        staking.exit();
        assertEq(others, pool.balanceOf(bob));
        assertEq(20e18, _quoteEarned(alice));
    }

    /// @notice Who stakes just before a harvest and leaves just after earns next to nothing of it.
    function test_StakeJustBeforeAndLeaveJustAfter() public {
        _stakeFor(alice, 100e6);
        uint256 shares = _addLiquidity(bob, 5000e6);
        usdc.mint(address(staking), 604_800e6);
        vm.startPrank(bob);
        staking.stake(shares);
        staking.harvest();
        uint256 before = usdc.balanceOf(bob);
        staking.exit();
        assertEq(before, usdc.balanceOf(bob), "in the same block");
        staking.stake(shares);
        skip(2);
        staking.exit();
        assertLe(usdc.balanceOf(bob) - before, 2e6, "in the next block");
        vm.stopPrank();
    }

    /// @notice Specks that are harvested all the time do not draw out the stream of what came before.
    function test_SpecksDoNotDrawOutTheStream() public {
        _stakeFor(alice, 100e6);
        _reward(70e6);
        for (uint256 i; i < 7 * 24; ++i) {
            skip(1 hours);
            _reward(1);
        }
        assertApproxEqAbs(70e6, _quoteEarned(alice), 1);
    }

    /// @notice Staking in crumbs, and changing stakes all the time, earns no more than once and for all.
    function test_RoundingNeverFavoursTheStaker() public {
        uint256 shares = _stakeFor(alice, 100e6);
        uint256 others = _addLiquidity(bob, 100e6);
        _reward(7);
        uint256 before = usdc.balanceOf(bob);
        vm.startPrank(bob);
        for (uint256 i; i < 7 * 24; ++i) {
            staking.stake(others / 200);
            skip(1 hours);
        }
        staking.exit();
        vm.stopPrank();
        assertLe(_quoteEarned(alice) + usdc.balanceOf(bob) - before, 7);
        assertGe(_quoteEarned(alice), 7 * shares / (shares + others));
        _assertCovered();
    }

    /// @notice Gifts of either token, to the lock or the staking, are fees; gifts of shares are locked like the others.
    function test_DonationDoesNotBreakAccounting() public {
        _stakeFor(alice, 300e6);
        uint256 shares = _addLiquidity(bob, 300e6);
        uint256 before = lock.locked();
        vm.startPrank(bob);
        pool.transfer(address(lock), shares);
        mrt.transfer(address(lock), 1000e18);
        mrt.transfer(address(staking), 1000e18);
        vm.stopPrank();
        assertEq(before + shares, lock.locked());
        (uint256 quote, uint256 tokens) = _harvest();
        assertEq(0, quote);
        assertEq(1600e18, tokens);
        skip(7 days);
        staking.claim(alice);
        lock.claim(creator);
        assertEq(250e18, mrt.balanceOf(creator));
        _assertCovered();
    }

    /// @notice Neither the creator nor the treasury nor anybody gets at the locked shares.
    function test_CreatorCannotRugTheLiquidity() public {
        _trade();
        uint256 locked = lock.locked();
        address[4] memory people = [creator, treasury, address(curve), address(staking)];
        for (uint256 i; i < people.length; ++i) {
            assertEq(0, pool.allowance(address(lock), people[i]));
            vm.startPrank(people[i]);
            vm.expectRevert();
            pool.transferFrom(address(lock), people[i], 1);
            bytes[4] memory tries = [
                abi.encodeCall(pool.transfer, (people[i], 1)),
                abi.encodeCall(pool.approve, (people[i], 1)),
                abi.encodeWithSignature("withdraw(uint256)", 1),
                abi.encodeWithSignature("unstake(uint256)", 1)
            ];
            for (uint256 j; j < tries.length; ++j) {
                (bool success,) = address(lock).call(tries[j]);
                assertFalse(success);
            }
            vm.stopPrank();
        }
        lock.collect();
        lock.claim(creator);
        lock.claim(treasury);
        staking.harvest();
        assertEq(locked, lock.locked());
    }

    /// @notice A quote token that calls back in the midst of a payment finds lock and staking closed.
    function test_ReentrantTokenFindsClosedDoors() public {
        ReentrantToken odd = new ReentrantToken();
        _useCurveOn(address(odd));
        _graduate();
        vm.prank(alice);
        pool.approve(address(staking), NEVER);
        _stakeFor(alice, 300e6);
        bytes[7] memory doors = [
            abi.encodeCall(lock.collect, ()),
            abi.encodeCall(lock.claim, (creator)),
            abi.encodeCall(staking.claim, (alice)),
            abi.encodeCall(staking.harvest, ()),
            abi.encodeCall(staking.unstake, (1)),
            abi.encodeCall(staking.exit, ()),
            abi.encodeCall(staking.stake, (1))
        ];
        for (uint256 i; i < 2 * doors.length; ++i) {
            (address target, bytes memory door) = (i < 4 ? address(lock) : address(staking), doors[i / 2]);
            odd.mint(address(lock), 100e6);
            lock.collect();
            odd.arm(target, door, i % 2 == 0);
            lock.claim(treasury);
            // While the lock pays, the staking is open, and nobody is robbed by that: it fetches from the lock no more.
            if (i < 4) _assertClosed(odd);
            odd.mint(address(lock), 100e6);
            odd.arm(target, door, i % 2 == 0);
            staking.harvest();
            _assertClosed(odd);
            skip(8 days);
            odd.arm(target, door, i % 2 == 0);
            staking.claim(alice);
            if (i >= 4) _assertClosed(odd);
            _assertCovered();
        }
    }

    function _assertClosed(ReentrantToken odd) private view {
        assertEq(1, odd.calls());
        assertFalse(odd.success());
        assertEq(abi.encodeWithSelector(ReentrancyGuard.ReentrancyGuardReentrantCall.selector), odd.answer());
    }
}

/// @notice A pool that cannot pay fees, such as a pair of Uniswap v2, holds up no stake.
contract KnownFailuresStakingUniswapTest is GraduatedFixture, UniswapPools {
    function setUp() public override(CurveFixture, GraduatedFixture) {
        GraduatedFixture.setUp();
    }

    /// @notice Shares go in and out, and what has come before is paid, although there is nothing to harvest from.
    function test_UnstakeAlthoughThePoolPaysNoFees() public {
        uint256 shares = _stakeFor(alice, 300e6);
        vm.expectRevert();
        staking.harvest();
        vm.expectRevert();
        lock.collect();
        skip(1 days);
        vm.prank(alice);
        staking.exit();
        assertEq(shares, pool.balanceOf(alice));
    }

    function _deployFactory() internal override(CurveFixture, UniswapPools) returns (IAerodromeFactory) {
        return UniswapPools._deployFactory();
    }
}
