// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Vm} from "forge-std/Vm.sol";

import {IPayoutVault} from "../../../contracts/interfaces/IPayoutVault.sol";
import {SlotModel} from "./SlotModel.sol";

/// @title Vault replayer
/// @notice Rebuilds a payout vault from its logs and from nothing else. An event that it does not know is refused.
contract VaultReplayer is SlotModel {
    uint256 private constant HALF = 128;
    uint256 private constant ADDRESS_BITS = 160;

    address public immutable vault;

    bytes32 public root;
    uint256 public total;
    uint256 public claimedTotal;
    bytes32 public pendingRoot;
    uint256 public pendingTotal;
    uint256 public activeAt;
    mapping(address account => uint256) public claimed;

    constructor(address vault_) {
        vault = vault_;
    }

    /// @notice The logs of one transaction, in their order.
    function replay(Vm.Log[] memory logs) external {
        for (uint256 i; i < logs.length; ++i) {
            if (logs[i].emitter != vault) continue;
            bytes32 topic = logs[i].topics[0];
            if (!_roots(logs[i], topic) && !_surplus(logs[i], topic) && !_powers(logs[i], topic)) {
                revert UnknownEvent(topic);
            }
        }
        _put(4, uint256(root));
        _put(5, total | (claimedTotal << HALF));
        _put(6, uint256(pendingRoot));
        _put(7, pendingTotal | (activeAt << HALF));
    }

    function _roots(Vm.Log memory log, bytes32 topic) private returns (bool) {
        if (topic == IPayoutVault.RootProposed.selector) {
            pendingRoot = log.topics[1];
            (pendingTotal, activeAt,) = abi.decode(log.data, (uint256, uint256, string));
        } else if (topic == IPayoutVault.RootVetoed.selector) {
            (pendingRoot, pendingTotal, activeAt) = (0, 0, 0);
        } else if (topic == IPayoutVault.RootActivated.selector) {
            (root, total) = (log.topics[1], abi.decode(log.data, (uint256)));
            (pendingRoot, pendingTotal, activeAt) = (0, 0, 0);
        } else if (topic == IPayoutVault.Claimed.selector) {
            (uint256 amount, uint256 cumulativeTotal) = abi.decode(log.data, (uint256, uint256));
            claimedTotal += amount;
            claimed[_address(log, 1)] = cumulativeTotal;
            _explain(vault, _mapped(10, _word(log, 1)), bytes32(cumulativeTotal));
        } else {
            return false;
        }
        return true;
    }

    function _surplus(Vm.Log memory log, bytes32 topic) private returns (bool) {
        if (topic == IPayoutVault.SurplusRequested.selector) {
            (uint256 amount, uint256 executableAt) = abi.decode(log.data, (uint256, uint256));
            _put(8, _word(log, 1) | (executableAt << ADDRESS_BITS));
            _put(9, amount);
        } else if (topic == IPayoutVault.SurplusCancelled.selector || topic == IPayoutVault.SurplusWithdrawn.selector) {
            _put(8, 0);
            _put(9, 0);
        } else {
            return false;
        }
        return true;
    }

    function _powers(Vm.Log memory log, bytes32 topic) private returns (bool) {
        if (topic == keccak256("OwnershipTransferStarted(address,address)")) {
            _put(1, _word(log, 2));
        } else if (topic == keccak256("OwnershipTransferred(address,address)")) {
            _put(0, _word(log, 2));
            _put(1, 0);
        } else if (topic == IPayoutVault.OperatorSet.selector) {
            _put(2, _word(log, 1));
        } else if (topic == IPayoutVault.GuardianSet.selector) {
            _put(3, _word(log, 1));
        } else {
            return false;
        }
        return true;
    }

    function _put(uint256 slot, uint256 word) private {
        _explain(vault, bytes32(slot), bytes32(word));
    }
}
