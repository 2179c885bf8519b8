// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IAerodromeFactory} from "../interfaces/external/IAerodromeFactory.sol";
import {TestPool} from "./TestPool.sol";

/// @title Test factory of pools
/// @notice Stands in for Aerodrome's on chains where nothing is worth anything. Of volatile pools only.
contract TestPoolFactory is IAerodromeFactory {
    error VolatilePoolsOnly();
    error IdenticalTokens(address token);
    error PoolExists(address pool);

    mapping(address tokenA => mapping(address tokenB => address)) private _pools;
    mapping(address pool => bool) public isPool;
    uint256 private _count;

    /// @inheritdoc IAerodromeFactory
    function createPool(address tokenA, address tokenB, bool stable) external returns (address pool) {
        if (stable) revert VolatilePoolsOnly();
        if (tokenA == tokenB) revert IdenticalTokens(tokenA);
        (address token0, address token1) = tokenA < tokenB ? (tokenA, tokenB) : (tokenB, tokenA);
        address existing = _pools[token0][token1];
        if (existing != address(0)) revert PoolExists(existing);
        pool = address(new TestPool{salt: keccak256(abi.encode(token0, token1))}(token0, token1));
        _pools[token0][token1] = pool;
        isPool[pool] = true;
        emit PoolCreated(token0, token1, false, pool, ++_count);
    }

    /// @inheritdoc IAerodromeFactory
    function getPool(address tokenA, address tokenB, bool stable) external view returns (address) {
        if (stable) return address(0);
        return tokenA < tokenB ? _pools[tokenA][tokenB] : _pools[tokenB][tokenA];
    }
}
