// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/interfaces/IERC20.sol";
import {Test} from "forge-std/Test.sol";
import {Vm} from "forge-std/Vm.sol";

import {ILiquidityLock} from "../../../contracts/interfaces/ILiquidityLock.sol";
import {ILpStaking} from "../../../contracts/interfaces/ILpStaking.sol";
import {ICurve, IPool, IStaking, IToken} from "../support/Kit.sol";

/// @title Pool handler
/// @notice Everything that people do with a graduated curve, its pool, its lock and its staking, by several of them.
contract PoolHandler is Test {
    IToken internal usdc;
    IToken internal mrt;
    IPool internal pool;
    ILiquidityLock internal lock;
    IStaking internal staking;
    address[] internal actors;
    address[] internal beneficiaries;

    /// The state of the lock and of the staking, from their events alone. By token where there are two.
    mapping(address account => uint256[2]) internal owedTo;
    mapping(address account => uint256) internal staked;
    uint256[2] internal queued;
    uint256[2] internal stream;
    uint256[2] internal harvested;
    uint256[2] internal claimed;

    uint256 public locked;
    bool public lockedFell;

    constructor(ICurve curve, IToken usdc_, address[] memory actors_) {
        (usdc, mrt, actors) = (usdc_, IToken(curve.token()), actors_);
        (pool, lock, staking) = (IPool(curve.pool()), ILiquidityLock(curve.lock()), IStaking(curve.staking()));
        beneficiaries = [lock.creator(), lock.treasury(), address(staking)];
        locked = lock.locked();
    }

    modifier watched() {
        vm.recordLogs();
        _;
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i; i < logs.length; ++i) {
            if (logs[i].emitter == address(lock)) _readLock(logs[i]);
            if (logs[i].emitter == address(staking)) _readStaking(logs[i]);
        }
        if (lock.locked() < locked) lockedFell = true;
        locked = lock.locked();
    }

    function swap(uint256 actorSeed, uint256 amount, bool withQuote) external watched {
        address actor = _actor(actorSeed);
        IToken token = withQuote ? usdc : mrt;
        if (withQuote) usdc.mint(actor, 2000e6);
        amount = bound(amount, 0, token.balanceOf(actor) / 4);
        uint256 out = pool.getAmountOut(amount, address(token));
        if (out == 0) return;
        vm.startPrank(actor);
        token.transfer(address(pool), amount);
        bool first = pool.token0() == address(token);
        pool.swap(first ? 0 : out, first ? out : 0, actor, "");
        vm.stopPrank();
    }

    function addLiquidity(uint256 actorSeed, uint256 tokens) external watched {
        address actor = _actor(actorSeed);
        tokens = bound(tokens, 0, mrt.balanceOf(actor) / 4);
        uint256 quote = tokens * usdc.balanceOf(address(pool)) / mrt.balanceOf(address(pool));
        if (quote < 10) return;
        usdc.mint(actor, quote);
        vm.startPrank(actor);
        usdc.transfer(address(pool), quote);
        mrt.transfer(address(pool), tokens);
        pool.mint(actor);
        vm.stopPrank();
    }

    function removeLiquidity(uint256 actorSeed, uint256 shares) external watched {
        address actor = _actor(actorSeed);
        shares = bound(shares, 0, pool.balanceOf(actor));
        if (shares < pool.totalSupply() / 1e6) return;
        vm.startPrank(actor);
        pool.transfer(address(pool), shares);
        pool.burn(actor);
        vm.stopPrank();
    }

    function stake(uint256 actorSeed, uint256 shares) external watched {
        address actor = _actor(actorSeed);
        uint256 held = pool.balanceOf(actor);
        if (held == 0) return;
        shares = bound(shares, 1, held);
        uint256 before = staking.stakedOf(actor);
        vm.startPrank(actor);
        pool.approve(address(staking), shares);
        staking.stake(shares);
        vm.stopPrank();
        assertEq(before + shares, staking.stakedOf(actor), "staked one for one");
    }

    function unstake(uint256 actorSeed, uint256 shares) external watched {
        address actor = _actor(actorSeed);
        uint256 held = staking.stakedOf(actor);
        if (held == 0) return;
        shares = bound(shares, 1, held);
        uint256 before = pool.balanceOf(actor);
        vm.prank(actor);
        staking.unstake(shares);
        assertEq(before + shares, pool.balanceOf(actor), "unstaked one for one");
    }

    function exit(uint256 actorSeed) external watched {
        address actor = _actor(actorSeed);
        if (staking.stakedOf(actor) == 0) return;
        (uint256 quoted0, uint256 quoted1) = staking.earnedOf(actor);
        vm.prank(actor);
        (uint256 amount0, uint256 amount1) = staking.exit();
        assertEq(quoted0, amount0, "rewards as announced");
        assertEq(quoted1, amount1, "rewards as announced");
        assertEq(0, staking.stakedOf(actor), "nothing is left of the stake");
    }

    function claim(uint256 actorSeed) external watched {
        address actor = _actor(actorSeed);
        (uint256 quoted0, uint256 quoted1) = staking.earnedOf(actor);
        if (quoted0 == 0 && quoted1 == 0) return;
        (uint256 amount0, uint256 amount1) = staking.claim(actor);
        assertEq(quoted0, amount0, "rewards as announced");
        assertEq(quoted1, amount1, "rewards as announced");
    }

    function harvest() external watched {
        staking.harvest();
    }

    function collect() external watched {
        lock.collect();
    }

    function claimFromLock(uint256 seed) external watched {
        address account = beneficiaries[seed % 3];
        (uint256 amount0, uint256 amount1) = lock.owedTo(account);
        if (amount0 != 0 || amount1 != 0) lock.claim(account);
    }

    /// @notice Gifts to the lock or the staking, of quote, of tokens or of shares.
    function donate(uint256 actorSeed, uint256 amount, bool toLock, uint256 kind) external watched {
        address to = toLock ? address(lock) : address(staking);
        if (kind % 3 == 0) return usdc.mint(to, bound(amount, 1, 10e6));
        IERC20 gift = kind % 3 == 1 ? IERC20(mrt) : IERC20(pool);
        address actor = _actor(actorSeed);
        amount = bound(amount, 0, gift.balanceOf(actor) / 16);
        vm.prank(actor);
        gift.transfer(to, amount);
    }

    function wait(uint256 time) external watched {
        skip(bound(time, 1, 5 days));
    }

    /// @notice Everybody leaves; what is owed to the others is paid.
    function everybodyLeaves() external watched {
        for (uint256 i; i < actors.length; ++i) {
            if (staking.stakedOf(actors[i]) == 0) continue;
            vm.prank(actors[i]);
            staking.exit();
        }
        for (uint256 i; i < beneficiaries.length; ++i) {
            (uint256 amount0, uint256 amount1) = lock.owedTo(beneficiaries[i]);
            if (amount0 != 0 || amount1 != 0) lock.claim(beneficiaries[i]);
        }
    }

    /// @notice What the events say is what the contracts say.
    function checkEvents() external view {
        uint256[2] memory sum;
        for (uint256 i; i < beneficiaries.length; ++i) {
            uint256[2] memory owing = owedTo[beneficiaries[i]];
            (uint256 amount0, uint256 amount1) = lock.owedTo(beneficiaries[i]);
            _assertPair(owing, amount0, amount1, "owed to a beneficiary");
            sum = [sum[0] + amount0, sum[1] + amount1];
        }
        (uint256 owed0, uint256 owed1) = lock.owed();
        _assertPair(sum, owed0, owed1, "owed by the lock");
        uint256 total;
        for (uint256 i; i < actors.length; ++i) {
            assertEq(staked[actors[i]], staking.stakedOf(actors[i]), "staked by an actor");
            total += staked[actors[i]];
        }
        assertEq(total, staking.totalStaked(), "staked in all");
        (owed0, owed1) = staking.owed();
        sum = [harvested[0] - claimed[0], harvested[1] - claimed[1]];
        _assertPair(sum, owed0, owed1, "owed by the staking");
        (owed0, owed1) = staking.queued();
        _assertPair(queued, owed0, owed1, "queued");
        (owed0, owed1,) = staking.stream();
        _assertPair(stream, owed0, owed1, "streamed");
    }

    /// @notice What the stakers have earned and not claimed is not more than is owed less what is queued.
    function checkEarned() external view {
        uint256[2] memory sum;
        for (uint256 i; i < actors.length; ++i) {
            (uint256 amount0, uint256 amount1) = staking.earnedOf(actors[i]);
            sum = [sum[0] + amount0, sum[1] + amount1];
        }
        assertLe(sum[0] + claimed[0] + queued[0], harvested[0], "earned of the first token");
        assertLe(sum[1] + claimed[1] + queued[1], harvested[1], "earned of the second token");
    }

    function _readLock(Vm.Log memory entry) private {
        address account = address(uint160(uint256(entry.topics[1])));
        uint256[2] storage owing = owedTo[account];
        (uint256 amount0, uint256 amount1) = abi.decode(entry.data, (uint256, uint256));
        if (entry.topics[0] == ILiquidityLock.FeesBooked.selector) {
            _add(owing, amount0, amount1);
        } else {
            assertEq(ILiquidityLock.FeesPaid.selector, entry.topics[0]);
            (owing[0], owing[1]) = (owing[0] - amount0, owing[1] - amount1);
        }
    }

    function _readStaking(Vm.Log memory entry) private {
        bytes32 kind = entry.topics[0];
        address account = entry.topics.length > 1 ? address(uint160(uint256(entry.topics[1]))) : address(0);
        if (kind == ILpStaking.Staked.selector) {
            staked[account] += abi.decode(entry.data, (uint256));
        } else if (kind == ILpStaking.Unstaked.selector) {
            staked[account] -= abi.decode(entry.data, (uint256));
        } else if (kind == ILpStaking.StreamStarted.selector) {
            (uint256 amount0, uint256 amount1, uint256 finish) = abi.decode(entry.data, (uint256, uint256, uint256));
            assertEq(block.timestamp + staking.PERIOD(), finish, "end of the stream");
            _assertPair(queued, amount0, amount1, "what was queued is streamed");
            stream = queued;
            delete queued;
        } else {
            (uint256 amount0, uint256 amount1) = abi.decode(entry.data, (uint256, uint256));
            if (kind == ILpStaking.RewardsHarvested.selector) {
                _add(harvested, amount0, amount1);
                _add(queued, amount0, amount1);
            } else {
                assertEq(ILpStaking.RewardsClaimed.selector, kind);
                _add(claimed, amount0, amount1);
            }
        }
    }

    function _assertPair(uint256[2] memory expected, uint256 amount0, uint256 amount1, string memory what)
        private
        pure
    {
        assertEq(expected[0], amount0, what);
        assertEq(expected[1], amount1, what);
    }

    function _add(uint256[2] storage sum, uint256 amount0, uint256 amount1) private {
        sum[0] += amount0;
        sum[1] += amount1;
    }

    function _actor(uint256 seed) private view returns (address) {
        return actors[seed % actors.length];
    }
}
