// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice Amounts of a pool's two tokens, in base units and in the pool's order.
struct Amounts {
    uint128 amount0;
    uint128 amount1;
}

/// @title Liquidity lock
/// @notice Holds the shares of a graduated curve's pool for good: nothing can move them. What fees they earn belongs to
/// those who stake the pool's shares, the creator and the treasury; each pulls.
interface ILiquidityLock {
    event FeesBooked(address indexed account, uint256 amount0, uint256 amount1);
    event FeesPaid(address indexed account, uint256 amount0, uint256 amount1);

    error SharesTooHigh(uint256 shareBps, uint256 most);
    error NoFees(address account);

    /// @notice Fetches the shares' fees from the pool and books them to the three by their parts; what
    /// rounding leaves is the treasury's. Anyone may call. Tokens that were given to the lock are booked alike.
    /// @return amount0 What was booked; nothing, without a revert, if nothing has come.
    function collect() external returns (uint256 amount0, uint256 amount1);

    /// @notice Pays `account` what is booked to it. Anyone may call.
    function claim(address account) external returns (uint256 amount0, uint256 amount1);

    /// @notice What is booked to `account`.
    function owedTo(address account) external view returns (uint256 amount0, uint256 amount1);

    /// @notice What is booked in all; never more than the lock holds.
    function owed() external view returns (uint256 amount0, uint256 amount1);

    /// @notice The pool's shares that are locked.
    function locked() external view returns (uint256);

    function pool() external view returns (address);

    function token0() external view returns (address);

    function token1() external view returns (address);

    /// @notice Where the pool's shares are staked; it claims the stakers' part like everybody.
    function staking() external view returns (address);

    function creator() external view returns (address);

    function treasury() external view returns (address);

    /// @notice The stakers' part of the fees, in basis points.
    function stakersBps() external view returns (uint256);

    /// @notice The creator's part of the fees, in basis points; the rest is the treasury's.
    function creatorBps() external view returns (uint256);
}
