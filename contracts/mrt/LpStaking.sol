// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {FixedPointMathLib} from "solady/utils/FixedPointMathLib.sol";
import {SafeTransferLib} from "solady/utils/SafeTransferLib.sol";

import {Amounts, ILiquidityLock} from "../interfaces/ILiquidityLock.sol";
import {ILpStaking} from "../interfaces/ILpStaking.sol";
import {IAerodromePool} from "../interfaces/external/IAerodromePool.sol";

/// @title Staking of a pool's shares
/// @dev Stakers' sums are kept by two indexes, of what one staked share has earned of each token since the beginning.
/// Only `harvest` asks the tokens and the pool anything: nothing that they do keeps anybody from unstaking.
contract LpStaking is ILpStaking, ReentrancyGuardTransient {
    using FixedPointMathLib for uint256;
    using SafeCast for uint256;
    using SafeTransferLib for address;

    struct Stake {
        uint256 amount;
        /// The indexes up to which `earned` counts.
        uint256 index0;
        uint256 index1;
        Amounts earned;
    }

    uint256 public constant PERIOD = 7 days;
    /// What the indexes are scaled by: an amount of 128 bits, scaled, still fits.
    uint256 private constant SCALE = 1 << 128;

    address public immutable pool;
    address public immutable token0;
    address public immutable token1;
    address public immutable lock;

    /// @inheritdoc ILpStaking
    uint256 public totalStaked;
    uint256 private _index0;
    uint256 private _index1;
    uint128 private _finish;
    uint128 private _updatedAt;
    Amounts private _stream;
    Amounts private _queued;
    Amounts private _owed;
    mapping(address account => Stake) private _stakes;

    // slither-disable-next-line missing-zero-check -- the lock deploys it
    constructor(address pool_) {
        lock = msg.sender;
        pool = pool_;
        token0 = IAerodromePool(pool_).token0();
        token1 = IAerodromePool(pool_).token1();
    }

    /// @inheritdoc ILpStaking
    function stake(uint256 amount) external nonReentrant {
        if (amount == 0) revert ZeroAmount();
        Stake storage own = _settle(msg.sender);
        own.amount += amount;
        totalStaked += amount;
        emit Staked(msg.sender, amount);
        pool.safeTransferFrom(msg.sender, address(this), amount);
    }

    /// @inheritdoc ILpStaking
    function unstake(uint256 amount) external nonReentrant {
        if (amount == 0) revert ZeroAmount();
        _unstake(amount);
    }

    /// @inheritdoc ILpStaking
    function claim(address account) external nonReentrant returns (uint256 amount0, uint256 amount1) {
        _settle(account);
        (amount0, amount1) = _pay(account);
        // slither-disable-next-line incorrect-equality -- nothing was earned
        if (amount0 == 0 && amount1 == 0) revert NoRewards(account);
    }

    /// @inheritdoc ILpStaking
    function exit() external nonReentrant returns (uint256 amount0, uint256 amount1) {
        uint256 amount = _stakes[msg.sender].amount;
        if (amount == 0) revert ZeroAmount();
        _unstake(amount);
        return _pay(msg.sender);
    }

    /// @inheritdoc ILpStaking
    function harvest() external nonReentrant returns (uint256 amount0, uint256 amount1) {
        // slither-disable-next-line reentrancy-benign -- guarded, and nothing is read before
        _fetch();
        (uint256 owed0, uint256 owed1) = (_owed.amount0, _owed.amount1);
        amount0 = IERC20(token0).balanceOf(address(this)).zeroFloorSub(owed0);
        amount1 = IERC20(token1).balanceOf(address(this)).zeroFloorSub(owed1);
        if (amount0 != 0 || amount1 != 0) {
            (owed0, owed1) = (owed0 + amount0, owed1 + amount1);
            _owed = Amounts(owed0.toUint128(), owed1.toUint128());
            // forge-lint: disable-next-line(unsafe-typecast) -- what is queued is owed
            _queued.amount0 += uint128(amount0);
            // forge-lint: disable-next-line(unsafe-typecast) -- what is queued is owed
            _queued.amount1 += uint128(amount1);
            emit RewardsHarvested(amount0, amount1);
        }
        _advance();
    }

    /// @inheritdoc ILpStaking
    function earnedOf(address account) external view returns (uint256 amount0, uint256 amount1) {
        (uint256 index0, uint256 index1,) = _indexes();
        return _earned(_stakes[account], index0, index1);
    }

    /// @inheritdoc ILpStaking
    function stakedOf(address account) external view returns (uint256) {
        return _stakes[account].amount;
    }

    /// @inheritdoc ILpStaking
    function stream() external view returns (uint256 amount0, uint256 amount1, uint256 finish) {
        (,, finish) = _indexes();
        return (_stream.amount0, _stream.amount1, finish);
    }

    /// @inheritdoc ILpStaking
    function queued() external view returns (uint256 amount0, uint256 amount1) {
        return (_queued.amount0, _queued.amount1);
    }

    /// @inheritdoc ILpStaking
    function owed() external view returns (uint256 amount0, uint256 amount1) {
        return (_owed.amount0, _owed.amount1);
    }

    // ------------------------------------------------------------------ inside

    /// @dev Brings in the fees of the locked shares and of the staked ones.
    function _fetch() private {
        // slither-disable-start unused-return -- what counts is what has come
        ILiquidityLock(lock).collect();
        (uint256 amount0, uint256 amount1) = ILiquidityLock(lock).owedTo(address(this));
        if (amount0 != 0 || amount1 != 0) ILiquidityLock(lock).claim(address(this));
        IAerodromePool(pool).claimFees();
        // slither-disable-end unused-return
    }

    function _unstake(uint256 amount) private {
        Stake storage own = _settle(msg.sender);
        if (amount > own.amount) revert InsufficientStake(msg.sender, own.amount, amount);
        own.amount -= amount;
        totalStaked -= amount;
        emit Unstaked(msg.sender, amount);
        pool.safeTransfer(msg.sender, amount);
    }

    function _pay(address account) private returns (uint256 amount0, uint256 amount1) {
        Amounts memory earned = _stakes[account].earned;
        (amount0, amount1) = (earned.amount0, earned.amount1);
        // slither-disable-next-line incorrect-equality -- nothing was earned
        if (amount0 == 0 && amount1 == 0) return (0, 0);
        delete _stakes[account].earned;
        _owed.amount0 -= earned.amount0;
        _owed.amount1 -= earned.amount1;
        emit RewardsClaimed(account, amount0, amount1);
        if (amount0 != 0) token0.safeTransfer(account, amount0);
        if (amount1 != 0) token1.safeTransfer(account, amount1);
    }

    /// @dev Brings the stream up to now, and with it what `account` has earned.
    function _settle(address account) private returns (Stake storage own) {
        _advance();
        own = _stakes[account];
        (uint256 amount0, uint256 amount1) = _earned(own, _index0, _index1);
        own.index0 = _index0;
        own.index1 = _index1;
        // forge-lint: disable-next-line(unsafe-typecast) -- parts of what is owed
        own.earned = Amounts(uint128(amount0), uint128(amount1));
    }

    /// @dev Brings the stream up to now; if it has ended, starts the next with what is queued.
    function _advance() private {
        uint256 finish;
        (_index0, _index1, finish) = _indexes();
        // forge-lint: disable-next-line(unsafe-typecast) -- a time
        _updatedAt = uint128(block.timestamp);
        Amounts memory next = _queued;
        if (block.timestamp >= finish && (next.amount0 != 0 || next.amount1 != 0)) {
            delete _queued;
            _stream = next;
            finish = block.timestamp + PERIOD;
            emit StreamStarted(next.amount0, next.amount1, finish);
        }
        // forge-lint: disable-next-line(unsafe-typecast) -- a time
        _finish = uint128(finish);
    }

    /// @dev The indexes and the end of the stream as of now. They may wrap around: only differences count.
    function _indexes() private view returns (uint256 index0, uint256 index1, uint256 finish) {
        (index0, index1, finish) = (_index0, _index1, _finish);
        uint256 from = _updatedAt;
        if (from >= finish) return (index0, index1, finish);
        uint256 total = totalStaked;
        if (total == 0) return (index0, index1, finish + block.timestamp - from);
        uint256 start = finish - PERIOD;
        uint256 before = from - start;
        uint256 elapsed = block.timestamp.min(finish) - start;
        unchecked {
            index0 += _streamed(_stream.amount0, before, elapsed) * SCALE / total;
            index1 += _streamed(_stream.amount1, before, elapsed) * SCALE / total;
        }
    }

    /// @dev What a stream of `amount` gives between two times since its start; over the whole of it, all.
    function _streamed(uint256 amount, uint256 from, uint256 to) private pure returns (uint256) {
        return amount * to / PERIOD - amount * from / PERIOD;
    }

    function _earned(Stake storage own, uint256 index0, uint256 index1)
        private
        view
        returns (uint256 amount0, uint256 amount1)
    {
        unchecked {
            amount0 = own.earned.amount0 + own.amount.fullMulDiv(index0 - own.index0, SCALE);
            amount1 = own.earned.amount1 + own.amount.fullMulDiv(index1 - own.index1, SCALE);
        }
    }
}
