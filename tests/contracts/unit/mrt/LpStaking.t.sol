// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {SafeTransferLib} from "solady/utils/SafeTransferLib.sol";

import {ILpStaking} from "../../../../contracts/interfaces/ILpStaking.sol";
import {FalseReturningToken} from "../../doubles/FalseReturningToken.sol";
import {GraduatedFixture} from "../../support/GraduatedFixture.sol";

contract LpStakingTest is GraduatedFixture {
    /// @notice The staking knows its pool and its lock, and holds nothing.
    function test_Constructor() public view {
        assertEq(address(pool), staking.pool());
        assertEq(pool.token0(), staking.token0());
        assertEq(pool.token1(), staking.token1());
        assertEq(address(lock), staking.lock());
        assertEq(7 days, staking.PERIOD());
        assertEq(0, staking.totalStaked());
        (uint256 amount0, uint256 amount1, uint256 finish) = staking.stream();
        assertEq(0, amount0 + amount1 + finish);
    }

    /// @notice Shares are staked and unstaked one for one, in parts.
    function test_StakeAndUnstake() public {
        uint256 shares = _addLiquidity(alice, 100e6);
        vm.startPrank(alice);
        vm.expectEmit(address(staking));
        emit ILpStaking.Staked(alice, shares);
        staking.stake(shares);
        assertEq(shares, staking.stakedOf(alice));
        assertEq(shares, staking.totalStaked());
        assertEq(0, pool.balanceOf(alice));
        vm.expectEmit(address(staking));
        emit ILpStaking.Unstaked(alice, shares / 3);
        staking.unstake(shares / 3);
        assertEq(shares - shares / 3, staking.stakedOf(alice));
        assertEq(shares - shares / 3, staking.totalStaked());
        assertEq(shares / 3, pool.balanceOf(alice));
        vm.stopPrank();
        _assertCovered();
    }

    /// @notice Nothing is neither staked nor unstaked, and nobody exits without a stake.
    function test_RevertWhen_AmountIsZero() public {
        vm.expectRevert(ILpStaking.ZeroAmount.selector);
        staking.stake(0);
        vm.expectRevert(ILpStaking.ZeroAmount.selector);
        staking.unstake(0);
        vm.expectRevert(ILpStaking.ZeroAmount.selector);
        staking.exit();
    }

    /// @notice Nobody unstakes more than the own stake.
    function test_RevertWhen_UnstakingMoreThanStaked() public {
        _stakeFor(bob, 100e6);
        uint256 shares = _stakeFor(alice, 100e6);
        vm.expectRevert(abi.encodeWithSelector(ILpStaking.InsufficientStake.selector, alice, shares, shares + 1));
        vm.prank(alice);
        staking.unstake(shares + 1);
    }

    /// @notice Nobody stakes shares that are not there.
    function test_RevertWhen_StakerHasNoShares() public {
        vm.expectRevert(SafeTransferLib.TransferFromFailed.selector);
        vm.prank(alice);
        staking.stake(1);
    }

    /// @notice A harvest brings the stakers' part of the locked shares' fees, and all of the staked shares' own, and
    /// starts the stream.
    function test_Harvest() public {
        _stakeFor(alice, 900e6);
        _trade();
        (uint256 fee0, uint256 fee1) = _ordered(3e6, 30_000e18);
        // A tenth as much is staked as is locked.
        uint256 expected0 = fee0 * 10 / 11 * 6 / 10 + fee0 / 11;
        uint256 expected1 = fee1 * 10 / 11 * 6 / 10 + fee1 / 11;
        uint256 snapshot = vm.snapshotState();
        (uint256 amount0, uint256 amount1) = staking.harvest();
        assertApproxEqRel(expected0, amount0, 1e13);
        assertApproxEqRel(expected1, amount1, 1e13);
        vm.revertToState(snapshot);

        vm.expectEmit(address(staking));
        emit ILpStaking.RewardsHarvested(amount0, amount1);
        vm.expectEmit(address(staking));
        emit ILpStaking.StreamStarted(amount0, amount1, START + 7 days);
        vm.prank(bob);
        staking.harvest();
        _assertStream(amount0, amount1, START + 7 days);
        (uint256 owed0, uint256 owed1) = staking.owed();
        assertEq(amount0, owed0);
        assertEq(amount1, owed1);
        (uint256 left0, uint256 left1) = lock.owedTo(address(staking));
        assertEq(0, left0 + left1);
        _assertCovered();
    }

    /// @notice A harvest of nothing changes nothing.
    function test_HarvestNothing() public {
        (uint256 amount0, uint256 amount1) = staking.harvest();
        assertEq(0, amount0 + amount1);
        _assertStream(0, 0, 0);
    }

    /// @notice The stakers' part that somebody else made the lock book or pay is harvested as well.
    function test_HarvestWhatWasCollectedBefore() public {
        _stakeFor(alice, 900e6);
        _swapIn(bob, 1000e6);
        lock.collect();
        lock.claim(address(staking));
        uint256 held = usdc.balanceOf(address(staking));
        (uint256 quote,) = _harvest();
        // The staked shares' own fees come on top.
        assertApproxEqAbs(held + uint256(3e6) / 11, quote, 2);
    }

    /// @notice A stream runs for seven days, evenly, and pays the stakers by their stakes.
    function test_StreamIsSharedByStakes() public {
        uint256 shares = _stakeFor(alice, 300e6);
        uint256 others = _stakeFor(bob, 600e6);
        uint256 quote = _reward(70e6);
        skip(1 days);
        _assertEarned(alice, quote / 7 * shares / (shares + others));
        _assertEarned(bob, quote / 7 * others / (shares + others));
        skip(6 days);
        _assertEarned(alice, quote * shares / (shares + others));
        _assertEarned(bob, quote * others / (shares + others));
        skip(30 days);
        _assertEarned(alice, quote * shares / (shares + others));
        assertApproxEqAbs(usdc.balanceOf(address(staking)), quote, 0);
    }

    /// @notice Who comes in the middle earns from then on; who leaves keeps what was earned.
    function test_StakesChangeInTheMiddle() public {
        uint256 shares = _stakeFor(alice, 300e6);
        _reward(70e6);
        skip(2 days);
        uint256 others = _addLiquidity(bob, 300e6);
        vm.prank(bob);
        staking.stake(shares < others ? shares : others);
        skip(2 days);
        vm.prank(alice);
        staking.unstake(shares);
        skip(3 days);
        _assertEarned(alice, 30e6);
        _assertEarned(bob, 40e6);
    }

    /// @notice While nobody stakes the stream stands still: nothing is lost, and nobody gets it at once.
    function test_StreamStandsStillWhileNobodyStakes() public {
        _reward(70e6);
        skip(3 days);
        _assertStreamEnds(START + 10 days);
        _stakeFor(alice, 300e6);
        skip(2 days);
        _assertEarned(alice, 20e6);
        vm.prank(alice);
        staking.exit();
        uint256 before = usdc.balanceOf(alice);
        skip(10 days);
        _assertStreamEnds(START + 20 days);
        vm.startPrank(alice);
        staking.stake(pool.balanceOf(alice));
        vm.stopPrank();
        skip(5 days);
        staking.claim(alice);
        assertApproxEqAbs(before + 50e6, usdc.balanceOf(alice), 2);
        assertLe(usdc.balanceOf(address(staking)), 2);
    }

    /// @notice What comes while a stream runs waits for its end, and then starts the next with whoever comes by.
    function test_RewardsQueueWhileAStreamRuns() public {
        _stakeFor(alice, 300e6);
        _reward(70e6);
        skip(1 days);
        _reward(7e6);
        _reward(7e6);
        _assertStreamEnds(START + 7 days);
        (uint256 queued0, uint256 queued1) = staking.queued();
        (uint256 quote, uint256 tokens) = _ordered(queued0, queued1);
        assertEq(14e6, quote);
        assertEq(0, tokens);
        skip(8 days);
        staking.claim(alice);
        (queued0, queued1) = staking.queued();
        assertEq(0, queued0 + queued1);
        _assertStreamEnds(START + 16 days);
        skip(7 days);
        _assertEarned(alice, 14e6);
    }

    /// @notice What was earned is paid to who earned it, whoever asks, in both tokens.
    function test_Claim() public {
        _stakeFor(alice, 300e6);
        _trade();
        staking.harvest();
        skip(7 days);
        (uint256 amount0, uint256 amount1) = staking.earnedOf(alice);
        (uint256 before0, uint256 before1) = _balances(alice);
        vm.expectEmit(address(staking));
        emit ILpStaking.RewardsClaimed(alice, amount0, amount1);
        vm.prank(bob);
        (uint256 paid0, uint256 paid1) = staking.claim(alice);
        assertEq(amount0, paid0);
        assertEq(amount1, paid1);
        (uint256 after0, uint256 after1) = _balances(alice);
        assertEq(before0 + amount0, after0);
        assertEq(before1 + amount1, after1);
        _assertCovered();
    }

    /// @notice Who has earned nothing claims nothing.
    function test_RevertWhen_NothingIsEarned() public {
        _stakeFor(alice, 300e6);
        _reward(70e6);
        vm.expectRevert(abi.encodeWithSelector(ILpStaking.NoRewards.selector, alice));
        staking.claim(alice);
        skip(1 days);
        vm.expectRevert(abi.encodeWithSelector(ILpStaking.NoRewards.selector, bob));
        staking.claim(bob);
        staking.claim(alice);
    }

    /// @notice An exit gives back all shares and what they earned, also if that is nothing.
    function test_Exit() public {
        uint256 shares = _stakeFor(alice, 300e6);
        vm.startPrank(alice);
        (uint256 amount0, uint256 amount1) = staking.exit();
        assertEq(0, amount0 + amount1);
        assertEq(shares, pool.balanceOf(alice));
        staking.stake(shares);
        vm.stopPrank();
        _reward(70e6);
        skip(7 days);
        vm.prank(alice);
        (amount0, amount1) = staking.exit();
        (uint256 quote,) = _ordered(amount0, amount1);
        assertApproxEqAbs(70e6, quote, 1);
        assertEq(shares, pool.balanceOf(alice));
        assertEq(0, staking.totalStaked());
    }

    /// @notice A broken quote token keeps rewards back, never the shares.
    function test_UnstakeWhateverTheTokensDo() public {
        FalseReturningToken odd = new FalseReturningToken();
        _useCurveOn(address(odd));
        _graduate();
        vm.prank(alice);
        pool.approve(address(staking), NEVER);
        uint256 shares = _stakeFor(alice, 300e6);
        _reward(70e6);
        skip(7 days);
        odd.setBroken(true);
        vm.startPrank(alice);
        vm.expectRevert(SafeTransferLib.TransferFailed.selector);
        staking.exit();
        staking.unstake(shares);
        vm.stopPrank();
        assertEq(shares, pool.balanceOf(alice));
        odd.setBroken(false);
        _assertEarned(alice, 70e6);
        staking.claim(alice);
    }

    function _assertEarned(address account, uint256 expected) private view {
        (uint256 amount0, uint256 amount1) = staking.earnedOf(account);
        (uint256 quote, uint256 tokens) = _ordered(amount0, amount1);
        assertApproxEqAbs(expected, quote, 2);
        assertEq(0, tokens);
    }

    function _assertStream(uint256 amount0, uint256 amount1, uint256 finish) private view {
        (uint256 found0, uint256 found1, uint256 end) = staking.stream();
        assertEq(amount0, found0);
        assertEq(amount1, found1);
        assertEq(finish, end);
    }

    function _assertStreamEnds(uint256 finish) private view {
        (,, uint256 end) = staking.stream();
        assertEq(finish, end);
    }
}
