// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";
import {Vm} from "forge-std/Vm.sol";

import {SlotModel} from "./SlotModel.sol";

/// @title Recorder
/// @notice Random calls, refused or not, the logs of what was not, and a look at every slot that was written.
abstract contract Recorder is Test {
    /// @dev What an indexer sees of a transaction.
    struct Seen {
        Vm.Log[] logs;
        uint256 blockTime;
    }

    uint256 internal entropy;
    Seen[] private _seen;

    function _history() internal view returns (Seen[] memory) {
        return _seen;
    }

    /// @dev One transaction, of which nothing is seen if it is refused.
    function _call(address sender, address target, bytes memory data) internal {
        vm.getRecordedLogs();
        vm.prank(sender);
        (bool done,) = target.call(data);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        if (done) _keep(logs);
    }

    function _keep(Vm.Log[] memory logs) internal {
        Seen storage seen = _seen.push();
        seen.blockTime = block.timestamp;
        for (uint256 i; i < logs.length; ++i) {
            seen.logs.push(logs[i]);
        }
    }

    /// @dev Every slot of `target` that was written holds what the logs say; returns how often any was.
    function _assertExplained(Vm.AccountAccess[] memory accesses, address target, SlotModel model)
        internal
        view
        returns (uint256 writes)
    {
        for (uint256 i; i < accesses.length; ++i) {
            Vm.StorageAccess[] memory slots = accesses[i].storageAccesses;
            for (uint256 j; j < slots.length; ++j) {
                if (!slots[j].isWrite || slots[j].reverted || slots[j].account != target) continue;
                bytes32 slot = slots[j].slot;
                assertTrue(model.isExplained(target, slot), "a slot that no event tells of");
                assertEq(vm.load(target, slot), model.wordAt(target, slot), "a slot that events tell wrongly");
                ++writes;
            }
        }
    }

    function _random(uint256 below) internal returns (uint256) {
        entropy = uint256(keccak256(abi.encode(entropy)));
        return entropy % below;
    }
}
