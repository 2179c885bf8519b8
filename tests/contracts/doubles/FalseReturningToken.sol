// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @title False-returning token
/// @notice Once broken, it moves nothing and says so with `false` instead of a revert.
contract FalseReturningToken is ERC20 {
    bool public broken;

    constructor() ERC20("False", "FALSE") {}

    function mint(address account, uint256 amount) external {
        _mint(account, amount);
    }

    function setBroken(bool broken_) external {
        broken = broken_;
    }

    function transfer(address to, uint256 amount) public override returns (bool) {
        return !broken && super.transfer(to, amount);
    }

    function transferFrom(address from, address to, uint256 amount) public override returns (bool) {
        return !broken && super.transferFrom(from, to, amount);
    }
}
