// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @title Reentrant token
/// @notice In the midst of each transfer it calls whom it was told to call, before or after the balances move, and keeps
/// the answers.
contract ReentrantToken is ERC20 {
    address public target;
    bytes public data;
    bool public before;
    uint256 public calls;
    bool public success;
    bytes public answer;

    constructor() ERC20("Reentrant", "RE") {}

    function mint(address account, uint256 amount) external {
        _mint(account, amount);
    }

    /// @notice Arms it with one call, made at the next transfer.
    function arm(address target_, bytes calldata data_, bool before_) external {
        (target, data, before, calls) = (target_, data_, before_, 0);
    }

    function _update(address from, address to, uint256 amount) internal override {
        if (before) _call();
        super._update(from, to, amount);
        if (!before) _call();
    }

    function _call() private {
        address once = target;
        if (once == address(0)) return;
        delete target;
        ++calls;
        (success, answer) = once.call(data);
    }
}
