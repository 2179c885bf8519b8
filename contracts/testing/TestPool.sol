// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {ERC20} from "solady/tokens/ERC20.sol";
import {FixedPointMathLib} from "solady/utils/FixedPointMathLib.sol";
import {SafeTransferLib} from "solady/utils/SafeTransferLib.sol";

import {IAerodromeCallee, IAerodromePool} from "../interfaces/external/IAerodromePool.sol";

/// @title Test pool
/// @notice A pool of constant product that stands in for Aerodrome's volatile one on chains where nothing is worth
/// anything. Of each payment for a swap 0.3 % is set apart for the holders of shares of that time.
contract TestPool is IAerodromePool, ERC20, ReentrancyGuardTransient {
    using FixedPointMathLib for uint256;
    using SafeCast for uint256;
    using SafeTransferLib for address;

    error ZeroLiquidity();
    error ZeroSwap();
    error MoreThanReserves(uint256 amount0, uint256 amount1);
    error UnpaidSwap(uint256 product, uint256 least);

    struct Account {
        uint256 index0;
        uint256 index1;
        uint128 fees0;
        uint128 fees1;
    }

    uint256 private constant BPS = 10_000;
    uint256 private constant FEE_BPS = 30;
    uint256 private constant MINIMUM_LIQUIDITY = 1000;
    uint256 private constant SCALE = 1 << 128;

    address public immutable token0;
    address public immutable token1;

    uint112 private _reserve0;
    uint112 private _reserve1;
    uint32 private _updatedAt;
    /// What is held for those who earned it, beside the reserves.
    uint128 private _fees0;
    uint128 private _fees1;
    /// What one share has earned since the beginning.
    uint256 private _index0;
    uint256 private _index1;
    mapping(address account => Account) private _accounts;

    // slither-disable-next-line missing-zero-check -- the factory's to know
    constructor(address token0_, address token1_) {
        token0 = token0_;
        token1 = token1_;
    }

    /// @inheritdoc IAerodromePool
    function mint(address to) external nonReentrant returns (uint256 liquidity) {
        (uint256 balance0, uint256 balance1) = _balances();
        (uint256 amount0, uint256 amount1) = (balance0 - _reserve0, balance1 - _reserve1);
        uint256 supply = totalSupply();
        // slither-disable-next-line incorrect-equality -- supply is the pool's own to make
        if (supply == 0) {
            liquidity = (amount0 * amount1).sqrt().zeroFloorSub(MINIMUM_LIQUIDITY);
            _mint(address(1), MINIMUM_LIQUIDITY);
        } else {
            liquidity = (amount0 * supply / _reserve0).min(amount1 * supply / _reserve1);
        }
        // slither-disable-next-line incorrect-equality -- less than a share is none
        if (liquidity == 0) revert ZeroLiquidity();
        _mint(to, liquidity);
        _update(balance0, balance1);
        emit Mint(msg.sender, amount0, amount1);
    }

    /// @inheritdoc IAerodromePool
    function burn(address to) external nonReentrant returns (uint256 amount0, uint256 amount1) {
        (uint256 balance0, uint256 balance1) = _balances();
        uint256 shares = balanceOf(address(this));
        uint256 supply = totalSupply();
        (amount0, amount1) = (shares * balance0 / supply, shares * balance1 / supply);
        // slither-disable-next-line incorrect-equality -- less than a unit is none
        if (amount0 == 0 || amount1 == 0) revert ZeroLiquidity();
        _burn(address(this), shares);
        token0.safeTransfer(to, amount0);
        token1.safeTransfer(to, amount1);
        _sync();
        emit Burn(msg.sender, to, amount0, amount1);
    }

    /// @inheritdoc IAerodromePool
    function swap(uint256 amount0Out, uint256 amount1Out, address to, bytes calldata data) external nonReentrant {
        if (amount0Out == 0 && amount1Out == 0) revert ZeroSwap();
        (uint256 reserve0, uint256 reserve1) = (_reserve0, _reserve1);
        if (amount0Out >= reserve0 || amount1Out >= reserve1) revert MoreThanReserves(amount0Out, amount1Out);
        if (amount0Out != 0) token0.safeTransfer(to, amount0Out);
        if (amount1Out != 0) token1.safeTransfer(to, amount1Out);
        // slither-disable-next-line reentrancy-no-eth,reentrancy-benign -- guarded, and the reserves are kept until the end
        if (data.length != 0) IAerodromeCallee(to).hook(msg.sender, amount0Out, amount1Out, data);
        (uint256 balance0, uint256 balance1) = _balances();
        uint256 amount0In = balance0.zeroFloorSub(reserve0 - amount0Out);
        uint256 amount1In = balance1.zeroFloorSub(reserve1 - amount1Out);
        _setApart(amount0In * FEE_BPS / BPS, amount1In * FEE_BPS / BPS);
        _sync();
        uint256 product = uint256(_reserve0) * _reserve1;
        if (product < reserve0 * reserve1) revert UnpaidSwap(product, reserve0 * reserve1);
        emit Swap(msg.sender, to, amount0In, amount1In, amount0Out, amount1Out);
    }

    /// @inheritdoc IAerodromePool
    function skim(address to) external nonReentrant {
        (uint256 balance0, uint256 balance1) = _balances();
        token0.safeTransfer(to, balance0 - _reserve0);
        token1.safeTransfer(to, balance1 - _reserve1);
    }

    /// @inheritdoc IAerodromePool
    function sync() external nonReentrant {
        _sync();
    }

    /// @inheritdoc IAerodromePool
    function claimFees() external nonReentrant returns (uint256 claimed0, uint256 claimed1) {
        _settle(msg.sender);
        Account storage account = _accounts[msg.sender];
        (claimed0, claimed1) = (account.fees0, account.fees1);
        if (claimed0 == 0 && claimed1 == 0) return (0, 0);
        _fees0 -= account.fees0;
        _fees1 -= account.fees1;
        (account.fees0, account.fees1) = (0, 0);
        emit Claim(msg.sender, msg.sender, claimed0, claimed1);
        if (claimed0 != 0) token0.safeTransfer(msg.sender, claimed0);
        if (claimed1 != 0) token1.safeTransfer(msg.sender, claimed1);
    }

    /// @inheritdoc IAerodromePool
    function getReserves() external view returns (uint256 reserve0, uint256 reserve1, uint256 blockTimestampLast) {
        return (_reserve0, _reserve1, _updatedAt);
    }

    /// @inheritdoc IAerodromePool
    function getAmountOut(uint256 amountIn, address tokenIn) external view returns (uint256) {
        (uint256 reserveIn, uint256 reserveOut) = tokenIn == token0 ? (_reserve0, _reserve1) : (_reserve1, _reserve0);
        amountIn -= amountIn * FEE_BPS / BPS;
        return amountIn * reserveOut / (reserveIn + amountIn);
    }

    function name() public pure override returns (string memory) {
        return "Test pool";
    }

    function symbol() public pure override returns (string memory) {
        return "POOL";
    }

    // ------------------------------------------------------------------ inside

    function _setApart(uint256 fee0, uint256 fee1) private {
        uint256 supply = totalSupply();
        _fees0 += fee0.toUint128();
        _fees1 += fee1.toUint128();
        _index0 += fee0.fullMulDiv(SCALE, supply);
        _index1 += fee1.fullMulDiv(SCALE, supply);
        emit Fees(msg.sender, fee0, fee1);
    }

    /// @dev Shares earn for whoever holds them: so both sides are settled before any move.
    function _beforeTokenTransfer(address from, address to, uint256) internal override {
        if (from != address(0)) _settle(from);
        if (to != address(0)) _settle(to);
    }

    function _settle(address holder) private {
        Account storage account = _accounts[holder];
        (uint256 index0, uint256 index1) = (_index0, _index1);
        // slither-disable-next-line incorrect-equality -- nothing was earned since
        if (account.index0 == index0 && account.index1 == index1) return;
        uint256 shares = balanceOf(holder);
        account.fees0 += shares.fullMulDiv(index0 - account.index0, SCALE).toUint128();
        account.fees1 += shares.fullMulDiv(index1 - account.index1, SCALE).toUint128();
        (account.index0, account.index1) = (index0, index1);
    }

    function _sync() private {
        (uint256 balance0, uint256 balance1) = _balances();
        _update(balance0, balance1);
    }

    function _update(uint256 balance0, uint256 balance1) private {
        (_reserve0, _reserve1) = (balance0.toUint112(), balance1.toUint112());
        _updatedAt = block.timestamp.toUint32();
        emit Sync(balance0, balance1);
    }

    /// @dev What the pool holds for its shares, fees apart.
    function _balances() private view returns (uint256 balance0, uint256 balance1) {
        balance0 = IERC20(token0).balanceOf(address(this)) - _fees0;
        balance1 = IERC20(token1).balanceOf(address(this)) - _fees1;
    }

    /// @dev No address spends without its owner's word, Permit2 included.
    function _givePermit2InfiniteAllowance() internal pure override returns (bool) {
        return false;
    }
}
