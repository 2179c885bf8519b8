// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {FixedPointMathLib} from "solady/utils/FixedPointMathLib.sol";
import {SafeTransferLib} from "solady/utils/SafeTransferLib.sol";

import {Amounts, ILiquidityLock} from "../interfaces/ILiquidityLock.sol";
import {IAerodromePool} from "../interfaces/external/IAerodromePool.sol";
import {LpStaking} from "./LpStaking.sol";

/// @title Liquidity lock
/// @dev What it holds of the pool's tokens beyond what it owes is new: so gifts are fees like others, and none is stuck.
contract LiquidityLock is ILiquidityLock, ReentrancyGuardTransient {
    using FixedPointMathLib for uint256;
    using SafeCast for uint256;
    using SafeTransferLib for address;

    uint256 private constant BPS = 10_000;

    /// @inheritdoc ILiquidityLock
    address public immutable pool;
    address public immutable token0;
    address public immutable token1;
    /// @inheritdoc ILiquidityLock
    address public immutable staking;
    address public immutable creator;
    address public immutable treasury;
    /// @inheritdoc ILiquidityLock
    uint256 public immutable stakersBps;
    /// @inheritdoc ILiquidityLock
    uint256 public immutable creatorBps;

    Amounts private _owed;
    mapping(address account => Amounts) private _owedTo;

    constructor(
        // slither-disable-start missing-zero-check -- the curve deploys it, with what it has checked
        address pool_,
        address creator_,
        address treasury_,
        // slither-disable-end missing-zero-check
        uint256 stakersBps_,
        uint256 creatorBps_
    ) {
        if (stakersBps_ > BPS) revert SharesTooHigh(stakersBps_, BPS);
        if (creatorBps_ > BPS - stakersBps_) revert SharesTooHigh(creatorBps_, BPS - stakersBps_);
        pool = pool_;
        token0 = IAerodromePool(pool_).token0();
        token1 = IAerodromePool(pool_).token1();
        creator = creator_;
        treasury = treasury_;
        stakersBps = stakersBps_;
        creatorBps = creatorBps_;
        staking = address(new LpStaking(pool_));
    }

    /// @inheritdoc ILiquidityLock
    function collect() external nonReentrant returns (uint256 amount0, uint256 amount1) {
        // slither-disable-next-line unused-return,reentrancy-benign -- guarded, and what counts is what has come
        IAerodromePool(pool).claimFees();
        (uint256 owed0, uint256 owed1) = (_owed.amount0, _owed.amount1);
        amount0 = IERC20(token0).balanceOf(address(this)).zeroFloorSub(owed0);
        amount1 = IERC20(token1).balanceOf(address(this)).zeroFloorSub(owed1);
        // slither-disable-next-line incorrect-equality -- nothing has come
        if (amount0 == 0 && amount1 == 0) return (0, 0);
        (owed0, owed1) = (owed0 + amount0, owed1 + amount1);
        _owed = Amounts(owed0.toUint128(), owed1.toUint128());
        (uint256 stakers0, uint256 stakers1) = (amount0 * stakersBps / BPS, amount1 * stakersBps / BPS);
        (uint256 creator0, uint256 creator1) = (amount0 * creatorBps / BPS, amount1 * creatorBps / BPS);
        _book(staking, stakers0, stakers1);
        _book(creator, creator0, creator1);
        _book(treasury, amount0 - stakers0 - creator0, amount1 - stakers1 - creator1);
    }

    /// @inheritdoc ILiquidityLock
    function claim(address account) external nonReentrant returns (uint256 amount0, uint256 amount1) {
        Amounts memory owing = _owedTo[account];
        if (owing.amount0 == 0 && owing.amount1 == 0) revert NoFees(account);
        delete _owedTo[account];
        (amount0, amount1) = (owing.amount0, owing.amount1);
        _owed.amount0 -= owing.amount0;
        _owed.amount1 -= owing.amount1;
        emit FeesPaid(account, amount0, amount1);
        if (amount0 != 0) token0.safeTransfer(account, amount0);
        if (amount1 != 0) token1.safeTransfer(account, amount1);
    }

    /// @inheritdoc ILiquidityLock
    function owedTo(address account) external view returns (uint256 amount0, uint256 amount1) {
        return (_owedTo[account].amount0, _owedTo[account].amount1);
    }

    /// @inheritdoc ILiquidityLock
    function owed() external view returns (uint256 amount0, uint256 amount1) {
        return (_owed.amount0, _owed.amount1);
    }

    /// @inheritdoc ILiquidityLock
    function locked() external view returns (uint256) {
        return IERC20(pool).balanceOf(address(this));
    }

    function _book(address account, uint256 amount0, uint256 amount1) private {
        // slither-disable-next-line incorrect-equality -- no part, nothing to book
        if (amount0 == 0 && amount1 == 0) return;
        Amounts storage owing = _owedTo[account];
        // forge-lint: disable-next-line(unsafe-typecast) -- parts of what was found to fit
        owing.amount0 += uint128(amount0);
        // forge-lint: disable-next-line(unsafe-typecast) -- parts of what was found to fit
        owing.amount1 += uint128(amount1);
        emit FeesBooked(account, amount0, amount1);
    }
}
