// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Reentrant wallet
/// @notice An ERC-1271 account that makes a call of its own while it is asked for its signature, and approves of
/// everything if that call comes through.
contract ReentrantWallet {
    bytes4 private constant VALID = 0x1626ba7e;

    /// Enough for any call that comes through; one that writes where it may not uses all that it is given.
    uint256 private constant GAS = 1_000_000;

    address private _target;
    bytes private _data;

    function attack(address target, bytes calldata data) external {
        (_target, _data) = (target, data);
    }

    /// @dev Not a view, so that it can try; whoever calls it as one forbids that.
    function isValidSignature(bytes32, bytes calldata) external returns (bytes4) {
        (bool done,) = _target.call{gas: GAS}(_data);
        return done ? VALID : bytes4(0xffffffff);
    }
}
