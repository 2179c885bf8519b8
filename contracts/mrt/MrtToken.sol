// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC20} from "solady/tokens/ERC20.sol";

/// @title Market reward token
/// @notice The reward token of one market: a fixed supply of 18 decimals, all of it minted to its creator's curve. With
/// EIP-2612 permit.
/// @dev Until the curve opens the pool, no token goes there, by whatever way: so nobody can make shares of the pool or a
/// price in it before the curve does.
contract MrtToken is ERC20 {
    error NotCurve(address account);
    error PoolClosed(address pool);

    address public immutable curve;
    string private _name;
    string private _symbol;
    /// The pool that no token may go to; none when it is open.
    address public closedPool;

    constructor(string memory name_, string memory symbol_, uint256 supply) {
        curve = msg.sender;
        _name = name_;
        _symbol = symbol_;
        _mint(msg.sender, supply);
    }

    /// @notice Closes `pool` to the token. The curve only, when it is made.
    // slither-disable-next-line missing-zero-check -- the curve checks it
    function closePool(address pool) external {
        if (msg.sender != curve) revert NotCurve(msg.sender);
        closedPool = pool;
    }

    /// @notice Opens the pool, sends it `amount` of the curve's tokens and burns the others. The curve only, once.
    function openPool(uint256 amount) external {
        if (msg.sender != curve) revert NotCurve(msg.sender);
        address pool = closedPool;
        delete closedPool;
        _transfer(msg.sender, pool, amount);
        _burn(msg.sender, balanceOf(msg.sender));
    }

    function name() public view override returns (string memory) {
        return _name;
    }

    function symbol() public view override returns (string memory) {
        return _symbol;
    }

    function _beforeTokenTransfer(address, address to, uint256) internal view override {
        if (to == closedPool && to != address(0)) revert PoolClosed(to);
    }

    /// @dev No address spends without its owner's word, Permit2 included.
    function _givePermit2InfiniteAllowance() internal pure override returns (bool) {
        return false;
    }
}
