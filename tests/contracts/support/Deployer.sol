// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";

/// @title Deployer
/// @notice Deploys contracts from their compiled code, so that tests do not carry that code and stay quick to compile.
abstract contract Deployer is Test {
    /// @notice Deploys `what` ("File.sol:Contract"); reverts with the constructor's own error. External, so that a test
    /// can expect that error of `this.deploy(...)`.
    function deploy(string memory what, bytes memory arguments) public returns (address deployed) {
        bytes memory code = bytes.concat(vm.getCode(what), arguments);
        assembly ("memory-safe") {
            deployed := create(0, add(code, 0x20), mload(code))
            if iszero(deployed) {
                let pointer := mload(0x40)
                returndatacopy(pointer, 0, returndatasize())
                revert(pointer, returndatasize())
            }
        }
    }

    /// @dev A list of one.
    function _one(uint256 value) internal pure returns (uint256[] memory list) {
        list = new uint256[](1);
        list[0] = value;
    }

    /// @dev `first`, `first + 1`, ... `last`.
    function _range(uint256 first, uint256 last) internal pure returns (uint256[] memory list) {
        list = new uint256[](last - first + 1);
        for (uint256 i; i < list.length; ++i) {
            list[i] = first + i;
        }
    }
}
