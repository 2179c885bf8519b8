// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Vm} from "forge-std/Vm.sol";

/// @title Slot model
/// @notice The word that each slot of some contracts should hold by what their events have said.
abstract contract SlotModel {
    error UnknownEvent(bytes32 topic);

    mapping(address emitter => mapping(bytes32 slot => bytes32)) public wordAt;
    /// Whether any event has told of the slot.
    mapping(address emitter => mapping(bytes32 slot => bool)) public isExplained;

    function _explain(address emitter, bytes32 slot, bytes32 word) internal {
        wordAt[emitter][slot] = word;
        isExplained[emitter][slot] = true;
    }

    /// @dev The slot of a key in the mapping at a place, which may be a slot of a mapping itself.
    function _mapped(uint256 place, uint256 key) internal pure returns (bytes32) {
        return keccak256(abi.encode(key, place));
    }

    function _within(bytes32 place, uint256 key) internal pure returns (bytes32) {
        return keccak256(abi.encode(key, place));
    }

    function _address(Vm.Log memory log, uint256 topic) internal pure returns (address) {
        return address(uint160(_word(log, topic)));
    }

    /// @dev An indexed field; 0 if the event has none there.
    function _word(Vm.Log memory log, uint256 topic) internal pure returns (uint256) {
        return topic < log.topics.length ? uint256(log.topics[topic]) : 0;
    }
}
