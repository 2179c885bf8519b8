// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Smart wallet
/// @notice An ERC-1271 account: a signature is valid if its hash is one that the wallet has approved.
contract SmartWallet {
    bytes4 private constant VALID = 0x1626ba7e;

    mapping(bytes32 digest => bool) public approved;

    function approve(bytes32 digest) external {
        approved[digest] = true;
    }

    function revoke(bytes32 digest) external {
        approved[digest] = false;
    }

    function isValidSignature(bytes32 digest, bytes calldata) external view returns (bytes4) {
        return approved[digest] ? VALID : bytes4(0xffffffff);
    }
}
