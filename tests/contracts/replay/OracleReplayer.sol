// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Vm} from "forge-std/Vm.sol";

import {IBoundaryOracle} from "../../../contracts/interfaces/IBoundaryOracle.sol";
import {SlotModel} from "./SlotModel.sol";

/// @title Oracle replayer
/// @notice Rebuilds a boundary oracle from its logs and from nothing else. An event that it does not know is refused.
contract OracleReplayer is SlotModel {
    struct Feed {
        uint256 adapter;
        uint256 adapterDeadline;
        uint256 deadline;
        uint256 index;
        uint256 fallbacks;
    }

    uint256 private constant VOID_MARK = type(uint128).max;

    address public immutable oracle;

    uint256 public feedCount;
    mapping(bytes32 feed => Feed) private _feeds;
    mapping(bytes32 feed => mapping(uint256 boundary => uint256)) public priceOf;

    constructor(address oracle_) {
        oracle = oracle_;
    }

    /// @notice The logs of one transaction, in their order.
    function replay(Vm.Log[] memory logs) external {
        for (uint256 i; i < logs.length; ++i) {
            if (logs[i].emitter != oracle) continue;
            bytes32 topic = logs[i].topics[0];
            if (topic == IBoundaryOracle.FeedRegistered.selector) {
                _registered(logs[i]);
            } else if (topic == IBoundaryOracle.FallbackRegistered.selector) {
                _fallback(logs[i]);
            } else if (topic == IBoundaryOracle.BoundaryPosted.selector) {
                uint256 price = abi.decode(logs[i].data, (uint256));
                priceOf[logs[i].topics[1]][_word(logs[i], 2)] = price;
                _fillHalf(logs[i], price);
            } else if (topic == IBoundaryOracle.BoundaryVoided.selector) {
                _fillHalf(logs[i], VOID_MARK);
            } else if (topic == keccak256("OwnershipTransferStarted(address,address)")) {
                _put(1, _word(logs[i], 2));
            } else if (topic == keccak256("OwnershipTransferred(address,address)")) {
                _put(0, _word(logs[i], 2));
                _put(1, 0);
            } else {
                revert UnknownEvent(topic);
            }
        }
    }

    /// @notice Seconds after which a boundary of the feed is void.
    function deadlineOf(bytes32 feed) external view returns (uint256) {
        return _feeds[feed].deadline;
    }

    function _registered(Vm.Log memory log) private {
        (uint256 index, address adapter, uint256 deadline) = abi.decode(log.data, (uint256, address, uint256));
        _feeds[log.topics[1]] = Feed(uint160(adapter), deadline, deadline, index, 0);
        feedCount = index;
        _put(2, index);
        _explain(oracle, _mapped(5, index), bytes32(deadline));
        _putFeed(log.topics[1]);
    }

    function _fallback(Vm.Log memory log) private {
        Feed storage feed = _feeds[log.topics[1]];
        (address adapter, uint256 deadline) = abi.decode(log.data, (address, uint256));
        uint256 rank = _word(log, 2);
        if (rank == 0) {
            feed.adapterDeadline = deadline;
        } else {
            feed.fallbacks = rank;
            bytes32 slot = _within(_mapped(4, feed.index), rank);
            _explain(oracle, slot, bytes32(uint160(adapter) | (deadline << 160)));
        }
        _putFeed(log.topics[1]);
    }

    function _putFeed(bytes32 name) private {
        Feed memory feed = _feeds[name];
        uint256 word = feed.adapter | (feed.adapterDeadline << 160) | (feed.deadline << 192) | (feed.index << 224)
            | (feed.fallbacks << 248);
        _explain(oracle, _mapped(3, uint256(name)), bytes32(word));
    }

    /// @dev Two neighbouring boundaries share a slot, the even one in its low half.
    function _fillHalf(Vm.Log memory log, uint256 value) private {
        uint256 number = _word(log, 2) / 300;
        bytes32 slot = _mapped(6, (_feeds[log.topics[1]].index << 64) | (number / 2));
        _explain(oracle, slot, wordAt[oracle][slot] | bytes32(value << (number % 2 * 128)));
    }

    function _put(uint256 slot, uint256 word) private {
        _explain(oracle, bytes32(slot), bytes32(word));
    }
}
