// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Staking of a pool's shares
/// @notice Who stakes shares of the pool earns the stakers' part of the locked shares' fees, and all the fees of what is
/// staked, in both of the pool's tokens.
/// @dev What has come is streamed to the stakers over `PERIOD`, second by second: who stakes just before it comes and
/// leaves just after earns next to nothing. What comes while a stream runs waits for its end, so that nobody can draw
/// a stream out with specks. While nobody stakes the stream stands still.
interface ILpStaking {
    event Staked(address indexed account, uint256 amount);
    event Unstaked(address indexed account, uint256 amount);
    event RewardsHarvested(uint256 amount0, uint256 amount1);
    event StreamStarted(uint256 amount0, uint256 amount1, uint256 finish);
    event RewardsClaimed(address indexed account, uint256 amount0, uint256 amount1);

    error ZeroAmount();
    error InsufficientStake(address account, uint256 staked, uint256 wanted);
    error NoRewards(address account);

    /// @notice Stakes `amount` of the pool's shares; the caller must have approved them.
    function stake(uint256 amount) external;

    /// @notice Gives `amount` of the caller's shares back. No token's transfer can hold it up but that of the shares.
    function unstake(uint256 amount) external;

    /// @notice Pays `account` what it has earned. Anyone may call.
    function claim(address account) external returns (uint256 amount0, uint256 amount1);

    /// @notice `unstake` of all, and `claim` of what there is.
    function exit() external returns (uint256 amount0, uint256 amount1);

    /// @notice Fetches what the locked and the staked shares have earned, and queues it for the next stream, which
    /// starts when none is running. Anyone may call. Tokens that were given to the contract are queued alike.
    function harvest() external returns (uint256 amount0, uint256 amount1);

    /// @notice What `account` could claim now.
    function earnedOf(address account) external view returns (uint256 amount0, uint256 amount1);

    /// @notice The shares that `account` has staked.
    function stakedOf(address account) external view returns (uint256);

    function totalStaked() external view returns (uint256);

    /// @notice The stream of now, or the last one: what it distributes from its start to its `finish`; the latter moves
    /// while nobody stakes.
    function stream() external view returns (uint256 amount0, uint256 amount1, uint256 finish);

    /// @notice What waits for the next stream.
    function queued() external view returns (uint256 amount0, uint256 amount1);

    /// @notice All that has come and was not claimed; never more than the contract holds.
    function owed() external view returns (uint256 amount0, uint256 amount1);

    function pool() external view returns (address);

    function token0() external view returns (address);

    function token1() external view returns (address);

    function lock() external view returns (address);
}
