// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Aerodrome's factory of pools
/// @notice What is used of it. Pools are stable or volatile (`x · y = k`); of each kind a pair has one at most.
interface IAerodromeFactory {
    event PoolCreated(
        address indexed token0, address indexed token1, bool indexed stable, address pool, uint256 number
    );

    /// @notice The pool of a pair, in any order; the zero address if there is none.
    function getPool(address tokenA, address tokenB, bool stable) external view returns (address pool);

    /// @notice Makes the pool of a pair. Anyone may, once.
    function createPool(address tokenA, address tokenB, bool stable) external returns (address pool);

    function isPool(address pool) external view returns (bool);
}
