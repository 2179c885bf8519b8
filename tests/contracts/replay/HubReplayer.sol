// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC6909} from "@openzeppelin/contracts/interfaces/IERC6909.sol";
import {Vm} from "forge-std/Vm.sol";

import {IBoundaryOracle} from "../../../contracts/interfaces/IBoundaryOracle.sol";
import {ICollateralLedger} from "../../../contracts/interfaces/ICollateralLedger.sol";
import {ICompleteSets} from "../../../contracts/interfaces/ICompleteSets.sol";
import {IEpochHub} from "../../../contracts/interfaces/IEpochHub.sol";
import {IOrderBook} from "../../../contracts/interfaces/IOrderBook.sol";
import {HubHouseReplayer} from "./HubHouseReplayer.sol";
import {HubModel} from "./HubModel.sol";

/// @title Hub replayer
/// @notice Rebuilds a hub from its logs, their order and their blocks' times, and from nothing else. An event that it does
/// not know is refused.
contract HubReplayer is HubHouseReplayer {
    uint256 private constant FOREVER = type(uint40).max;

    constructor(address hub, address oracle, address factory) HubModel(hub, oracle, factory) {}

    /// @notice The logs of one transaction, in their order.
    function replay(Vm.Log[] memory logs, uint256 blockTime) external {
        for (uint256 i; i < logs.length; ++i) {
            bytes32 topic = logs[i].topics[0];
            if (logs[i].emitter == oracle) {
                if (topic == IBoundaryOracle.FeedRegistered.selector) _feed(logs[i]);
            } else if (logs[i].emitter == hub) {
                if (topic == IERC6909.Transfer.selector) {
                    // A match says `Transfer`, then `OrderFilled`; what else moves shares never says the latter.
                    bool ofMatch = i + 1 < logs.length && logs[i + 1].topics[0] == IOrderBook.OrderFilled.selector;
                    _transfer(logs[i], ofMatch);
                } else if (
                    !_ledger(logs[i], topic) && !_modes(logs[i], topic) && !_orders(logs[i], topic)
                        && !_sets(logs[i], topic) && !_house(logs[i], topic, blockTime) && !_roles(logs[i], topic)
                ) {
                    revert UnknownEvent(topic);
                }
            }
        }
        _putRoles();
    }

    function _feed(Vm.Log memory log) private {
        (uint256 index,,) = abi.decode(log.data, (uint256, address, uint256));
        feedIndex[log.topics[1]] = index;
    }

    /// @dev Shares move. In a match as many sets come or go as YES shares do; outside of one, whoever moves another's
    /// shares and is not its operator uses up an allowance.
    function _transfer(Vm.Log memory log, bool ofMatch) private {
        (address caller, uint256 amount) = abi.decode(log.data, (address, uint256));
        (address from, address to, uint256 id) = (_address(log, 1), _address(log, 2), _word(log, 3));
        if (from != address(0)) {
            shares[from][id] -= amount;
            _putPosition(from, id);
        }
        if (to != address(0)) {
            shares[to][id] += amount;
            _putPosition(to, id);
        }
        if (ofMatch) {
            if (id & 1 == 1) return;
            if (from == address(0)) epochs[id >> 8].sets += amount;
            if (to == address(0)) epochs[id >> 8].sets -= amount;
            _putEpoch(id >> 8);
        } else if (from != address(0) && to != address(0) && caller != from && !isOperator[from][caller]) {
            if (allowance[from][caller][id] == type(uint256).max) return;
            allowance[from][caller][id] -= amount;
            _putAllowance(from, caller, id);
        }
    }

    function _ledger(Vm.Log memory log, bytes32 topic) private returns (bool) {
        address account = _address(log, 1);
        if (topic == ICollateralLedger.Deposited.selector) {
            uint256 amount = abi.decode(log.data, (uint256));
            accounts[account].collateral += amount;
            liabilities += amount;
        } else if (topic == ICollateralLedger.Withdrawn.selector) {
            uint256 amount = abi.decode(log.data, (uint256));
            accounts[account].collateral -= amount;
            liabilities -= amount;
        } else {
            return false;
        }
        _putAccount(account);
        return true;
    }

    function _modes(Vm.Log memory log, bytes32 topic) private returns (bool) {
        address account = _address(log, 1);
        if (topic == ICollateralLedger.TradingModeEntered.selector) {
            accounts[account].tradingUntil = FOREVER;
        } else if (topic == ICollateralLedger.TradingModeLeft.selector) {
            accounts[account].tradingUntil = abi.decode(log.data, (uint256));
        } else if (topic == ICollateralLedger.ReleaseRequested.selector) {
            (uint256 amount, uint256 readyAt) = abi.decode(log.data, (uint256, uint256));
            releases[account][uint256(log.topics[2])] = Release(amount, readyAt);
            _putRelease(account, uint256(log.topics[2]));
        } else if (topic == ICollateralLedger.ReleaseSpent.selector) {
            releases[account][uint256(log.topics[2])].amount -= abi.decode(log.data, (uint256));
            _putRelease(account, uint256(log.topics[2]));
        } else {
            return false;
        }
        _putAccount(account);
        return true;
    }

    function _orders(Vm.Log memory log, bytes32 topic) private returns (bool) {
        if (topic == IOrderBook.OrderFilled.selector) {
            _filled(log);
        } else if (topic == IOrderBook.FeesCharged.selector) {
            accounts[_address(log, 1)].collateral += abi.decode(log.data, (uint256));
            _putAccount(_address(log, 1));
        } else if (topic == IOrderBook.OrderRegistered.selector) {
            orders[log.topics[1]].registered = true;
            _putOrder(log.topics[1]);
        } else if (topic == IOrderBook.OrderCancelled.selector) {
            orders[log.topics[1]].cancelledAt = abi.decode(log.data, (uint256));
            _putOrder(log.topics[1]);
        } else if (topic == IOrderBook.NonceFloorRaised.selector) {
            Account storage account = accounts[_address(log, 1)];
            account.nonceFloor = account.nextFloor;
            (account.nextFloor, account.nextFloorAt) = abi.decode(log.data, (uint256, uint256));
            _putAccount(_address(log, 1));
        } else {
            return false;
        }
        return true;
    }

    function _filled(Vm.Log memory log) private {
        (,, bool isBuy, uint256 size, uint256 amount, uint256 fee) =
            abi.decode(log.data, (uint256, uint8, bool, uint256, uint256, uint256));
        address maker = _address(log, 2);
        orders[log.topics[1]].filled += size;
        if (isBuy) accounts[maker].collateral -= amount + fee;
        else accounts[maker].collateral += amount - fee;
        _putOrder(log.topics[1]);
        _putAccount(maker);
    }

    function _sets(Vm.Log memory log, bytes32 topic) private returns (bool) {
        if (topic == ICompleteSets.Redeemed.selector) {
            (,, uint256 payout) = abi.decode(log.data, (uint256, uint256, uint256));
            liabilities -= payout;
            return true;
        }
        if (topic != ICompleteSets.Split.selector && topic != ICompleteSets.Merged.selector) return false;
        uint256 key = _key(log);
        address account = _address(log, 3);
        uint256 amount = abi.decode(log.data, (uint256));
        if (topic == ICompleteSets.Split.selector) {
            epochs[key].sets += amount;
            accounts[account].collateral -= amount;
        } else {
            epochs[key].sets -= amount;
            accounts[account].collateral += amount;
        }
        _putEpoch(key);
        _putAccount(account);
        return true;
    }

    function _roles(Vm.Log memory log, bytes32 topic) private returns (bool) {
        if (topic == keccak256("OwnershipTransferStarted(address,address)")) {
            pendingOwner = _address(log, 2);
        } else if (topic == keccak256("OwnershipTransferred(address,address)")) {
            (owner, pendingOwner) = (_address(log, 2), address(0));
        } else if (topic == ICollateralLedger.GuardianSet.selector) {
            guardian = _address(log, 1);
        } else if (topic == ICollateralLedger.TradingPaused.selector) {
            tradingPaused = abi.decode(log.data, (bool));
        } else if (topic == IOrderBook.MatchOperatorSet.selector) {
            isMatchOperator[_address(log, 1)] = abi.decode(log.data, (bool));
            _putMatchOperator(_address(log, 1));
        } else if (topic == IERC6909.OperatorSet.selector) {
            isOperator[_address(log, 1)][_address(log, 2)] = abi.decode(log.data, (bool));
            _putOperator(_address(log, 1), _address(log, 2));
        } else if (topic == IERC6909.Approval.selector) {
            uint256 id = _word(log, 3);
            allowance[_address(log, 1)][_address(log, 2)][id] = abi.decode(log.data, (uint256));
            _putAllowance(_address(log, 1), _address(log, 2), id);
        } else {
            return false;
        }
        return true;
    }
}
