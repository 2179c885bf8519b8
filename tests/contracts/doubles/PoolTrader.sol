// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IAerodromeCallee} from "../../../contracts/interfaces/external/IAerodromePool.sol";
import {IPool, IToken} from "../support/Kit.sol";

/// @title Pool trader
/// @notice Borrows from a pool in the midst of a swap and pays back what it was told to.
contract PoolTrader is IAerodromeCallee {
    function borrow(IPool pool, uint256 amount0, uint256 amount1, uint256 back0, uint256 back1) external {
        pool.swap(amount0, amount1, address(this), abi.encode(back0, back1));
    }

    /// @inheritdoc IAerodromeCallee
    function hook(address, uint256, uint256, bytes calldata data) external {
        (uint256 back0, uint256 back1) = abi.decode(data, (uint256, uint256));
        IToken(IPool(msg.sender).token0()).transfer(msg.sender, back0);
        IToken(IPool(msg.sender).token1()).transfer(msg.sender, back1);
    }
}
