// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IAerodromeFactory} from "../../../contracts/interfaces/external/IAerodromeFactory.sol";

interface IUniswapV2Factory {
    function getPair(address tokenA, address tokenB) external view returns (address);
    function createPair(address tokenA, address tokenB) external returns (address);
}

/// @title Uniswap v2's factory behind Aerodrome's names
/// @notice Its pairs mint, burn, swap, skim and sync like Aerodrome's volatile pools; they have no `claimFees`: there the
/// fees stay in the reserves.
contract UniswapV2Pools is IAerodromeFactory {
    IUniswapV2Factory public immutable factory;
    mapping(address pool => bool) public isPool;

    constructor(IUniswapV2Factory factory_) {
        factory = factory_;
    }

    /// @inheritdoc IAerodromeFactory
    function createPool(address tokenA, address tokenB, bool stable) external returns (address pool) {
        require(!stable, "volatile pools only");
        pool = factory.createPair(tokenA, tokenB);
        isPool[pool] = true;
    }

    /// @inheritdoc IAerodromeFactory
    function getPool(address tokenA, address tokenB, bool stable) external view returns (address) {
        return stable ? address(0) : factory.getPair(tokenA, tokenB);
    }
}
