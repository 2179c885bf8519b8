// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable, Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {FixedPointMathLib} from "solady/utils/FixedPointMathLib.sol";

import {BoundaryPrice, BoundaryStatus, IBoundaryOracle} from "../interfaces/IBoundaryOracle.sol";
import {IReportAdapter} from "../interfaces/IReportAdapter.sol";

/// @title Boundary oracle
contract BoundaryOracle is IBoundaryOracle, Ownable2Step, ReentrancyGuardTransient {
    /// One slot.
    struct Feed {
        /// The first adapter, and until when it is due.
        address adapter;
        uint32 adapterDeadline;
        /// The last one's.
        uint32 deadline;
        uint24 index;
        /// How many adapters there are after the first.
        uint8 fallbacks;
    }

    struct Fallback {
        address adapter;
        uint32 deadline;
    }

    uint256 internal constant GRID = 300;
    /// A start price that can no longer come makes its epoch void; a deadline of a whole epoch at least sees to it that
    /// this is never known while the epoch is traded.
    uint256 internal constant DEADLINE_MIN = 300;
    uint256 internal constant DEADLINE_MAX = 7 days;
    uint256 internal constant ADAPTERS_MAX = 4;
    uint256 internal constant PRICE_MAX = type(uint128).max - 1;
    /// What a voided boundary holds instead of a price.
    uint256 internal constant VOID_MARK = type(uint128).max;
    uint256 internal constant HALF_BITS = 128;

    /// The number of feeds; their indices are 1 to this number.
    uint256 public feedCount;

    mapping(bytes32 feed => Feed) private _feeds;
    /// The second adapter has rank 1.
    mapping(uint256 index => mapping(uint256 rank => Fallback)) private _fallbacks;
    mapping(uint256 index => uint256 deadline) private _deadlines;
    /// Two neighbouring boundaries in a slot, each a price (1e18), 0 or VOID_MARK: half of the posts write a slot that is
    /// not empty, and half of the epochs have both ends in one.
    mapping(uint256 key => uint256) private _pairs;

    constructor(address owner_) Ownable(owner_) {}

    /// @inheritdoc IBoundaryOracle
    function registerFeed(bytes32 feed, address adapter, uint256 deadline) external onlyOwner {
        address[] memory adapters = new address[](1);
        uint256[] memory deadlines = new uint256[](1);
        (adapters[0], deadlines[0]) = (adapter, deadline);
        _register(feed, adapters, deadlines);
    }

    /// @inheritdoc IBoundaryOracle
    function registerFeed(bytes32 feed, address[] calldata adapters, uint256[] calldata deadlines) external onlyOwner {
        _register(feed, adapters, deadlines);
    }

    /// @inheritdoc IBoundaryOracle
    function post(address adapter, bytes calldata report) external payable nonReentrant returns (uint256 posted) {
        // slither-disable-next-line reentrancy-benign -- guarded, and nothing is read before
        BoundaryPrice[] memory prices = IReportAdapter(adapter).verify{value: msg.value}(report);
        if (prices.length == 0) revert EmptyReport();
        for (uint256 i; i < prices.length; ++i) {
            if (_store(adapter, prices[i])) ++posted;
        }
    }

    /// @inheritdoc IBoundaryOracle
    function voidBoundary(bytes32 feed, uint256 boundary) external {
        Feed memory known = _feed(feed);
        if (boundary % GRID != 0) revert BoundaryOffGrid(boundary, GRID);
        uint256 stored = _stored(known.index, boundary);
        if (stored == VOID_MARK) revert BoundaryAlreadyVoid(feed, boundary);
        if (stored != 0) revert BoundaryAlreadyPosted(feed, boundary, stored);
        uint256 deadlineAt = FixedPointMathLib.saturatingAdd(boundary, known.deadline);
        if (block.timestamp <= deadlineAt) revert BoundaryDeadlineNotPassed(feed, boundary, deadlineAt);
        _pairs[_key(known.index, boundary)] |= VOID_MARK << _shift(boundary);
        emit BoundaryVoided(feed, boundary);
    }

    /// @inheritdoc IBoundaryOracle
    function isFeed(bytes32 feed) external view returns (bool) {
        return _feeds[feed].index != 0;
    }

    /// @inheritdoc IBoundaryOracle
    function feedIndex(bytes32 feed) external view returns (uint256) {
        return _feed(feed).index;
    }

    /// @inheritdoc IBoundaryOracle
    function feedOf(bytes32 feed) external view returns (address adapter, uint256 deadline) {
        Feed memory known = _feed(feed);
        return (known.adapter, known.deadline);
    }

    /// @inheritdoc IBoundaryOracle
    function adaptersOf(bytes32 feed) external view returns (address[] memory adapters, uint256[] memory deadlines) {
        Feed memory known = _feed(feed);
        uint256 count = 1 + uint256(known.fallbacks);
        (adapters, deadlines) = (new address[](count), new uint256[](count));
        (adapters[0], deadlines[0]) = (known.adapter, known.adapterDeadline);
        for (uint256 rank = 1; rank < count; ++rank) {
            Fallback memory next = _fallbacks[known.index][rank];
            (adapters[rank], deadlines[rank]) = (next.adapter, next.deadline);
        }
    }

    /// @inheritdoc IBoundaryOracle
    function boundaryOf(bytes32 feed, uint256 boundary) external view returns (BoundaryStatus, uint256) {
        if (boundary % GRID != 0 || boundary > type(uint64).max) revert BoundaryOffGrid(boundary, GRID);
        return _statusOf(_feed(feed).index, boundary);
    }

    /// @inheritdoc IBoundaryOracle
    function endsOf(uint256 index, uint256 startAt, uint256 endAt)
        external
        view
        returns (BoundaryStatus startStatus, uint256 startPrice, BoundaryStatus endStatus, uint256 endPrice)
    {
        (startStatus, startPrice) = _statusOf(index, startAt);
        (endStatus, endPrice) = _statusOf(index, endAt);
    }

    function _register(bytes32 feed, address[] memory adapters, uint256[] memory deadlines) private {
        if (_feeds[feed].index != 0) revert FeedExists(feed);
        _checkOrder(adapters, deadlines);
        uint256 count = adapters.length;
        uint256 index = ++feedCount;
        if (index > type(uint24).max) revert TooManyFeeds(index, type(uint24).max);
        uint256 last = deadlines[count - 1];
        _deadlines[index] = last;
        // forge-lint: disable-start(unsafe-typecast) -- all bounded above
        _feeds[feed] = Feed({
            adapter: adapters[0],
            adapterDeadline: uint32(deadlines[0]),
            deadline: uint32(last),
            index: uint24(index),
            fallbacks: uint8(count - 1)
        });
        emit FeedRegistered(feed, index, adapters[0], last);
        if (count == 1) return;
        emit FallbackRegistered(feed, 0, adapters[0], deadlines[0]);
        for (uint256 rank = 1; rank < count; ++rank) {
            _fallbacks[index][rank] = Fallback({adapter: adapters[rank], deadline: uint32(deadlines[rank])});
            emit FallbackRegistered(feed, rank, adapters[rank], deadlines[rank]);
        }
        // forge-lint: disable-end(unsafe-typecast)
    }

    function _checkOrder(address[] memory adapters, uint256[] memory deadlines) private pure {
        uint256 count = adapters.length;
        if (count != deadlines.length) revert AdaptersAndDeadlinesDiffer(count, deadlines.length);
        if (count == 0) revert NoAdapters();
        if (count > ADAPTERS_MAX) revert TooManyAdapters(count, ADAPTERS_MAX);
        for (uint256 rank; rank < count; ++rank) {
            (address adapter, uint256 deadline) = (adapters[rank], deadlines[rank]);
            if (adapter == address(0)) revert ZeroAddress();
            if (deadline < DEADLINE_MIN || deadline > DEADLINE_MAX) {
                revert DeadlineOutOfRange(deadline, DEADLINE_MIN, DEADLINE_MAX);
            }
            for (uint256 earlier; earlier < rank; ++earlier) {
                if (adapters[earlier] == adapter) revert DuplicateAdapter(adapter);
            }
            if (rank != 0 && deadline <= deadlines[rank - 1]) {
                revert DeadlinesNotAscending(deadlines[rank - 1], deadline);
            }
        }
    }

    /// @dev Stores one price that `adapter` vouches for; false if the same price stands already.
    function _store(address adapter, BoundaryPrice memory given) private returns (bool) {
        (bytes32 feed, uint256 boundary, uint256 price) = (given.feed, given.boundary, given.price);
        (uint256 index, uint256 from, uint256 to) = _dutyOf(feed, adapter);
        if (boundary % GRID != 0) revert BoundaryOffGrid(boundary, GRID);
        if (boundary > block.timestamp) revert BoundaryInFuture(boundary, block.timestamp);
        if (price == 0 || price > PRICE_MAX) revert PriceOutOfRange(feed, boundary, price);
        uint256 key = _key(index, boundary);
        uint256 pair = _pairs[key];
        uint256 stored = (pair >> _shift(boundary)) & VOID_MARK;
        if (stored != 0) {
            if (stored == price) return false;
            if (stored == VOID_MARK) revert BoundaryAlreadyVoid(feed, boundary);
            revert DifferentPrice(feed, boundary, stored, price);
        }
        uint256 age = block.timestamp - boundary;
        if (age < from || age > to) {
            uint256 deadlineAt = boundary + _deadlines[index];
            if (block.timestamp > deadlineAt) revert BoundaryDeadlinePassed(feed, boundary, deadlineAt);
            revert AdapterNotDue(feed, boundary, adapter, boundary + from, boundary + to);
        }
        _pairs[key] = pair | (price << _shift(boundary));
        emit BoundaryPosted(feed, boundary, price);
        return true;
    }

    /// @dev From when to when the adapter is due, in seconds after a boundary, both included; reverts if it never is.
    function _dutyOf(bytes32 feed, address adapter) private view returns (uint256 index, uint256 from, uint256 to) {
        Feed storage known = _feeds[feed];
        index = known.index;
        to = known.adapterDeadline;
        if (index == 0) revert UnknownFeed(feed);
        if (known.adapter == adapter) return (index, 0, to);
        uint256 fallbacks = known.fallbacks;
        for (uint256 rank = 1; rank <= fallbacks; ++rank) {
            Fallback storage next = _fallbacks[index][rank];
            from = to + 1;
            to = next.deadline;
            if (next.adapter == adapter) return (index, from, to);
        }
        revert WrongAdapter(feed, adapter, known.adapter);
    }

    function _feed(bytes32 feed) private view returns (Feed memory known) {
        known = _feeds[feed];
        if (known.index == 0) revert UnknownFeed(feed);
    }

    function _statusOf(uint256 index, uint256 boundary) private view returns (BoundaryStatus, uint256) {
        uint256 stored = _stored(index, boundary);
        if (stored == VOID_MARK) return (BoundaryStatus.VOID, 0);
        if (stored != 0) return (BoundaryStatus.POSTED, stored);
        bool late = block.timestamp > boundary && block.timestamp - boundary > _deadlines[index];
        return (late ? BoundaryStatus.VOID : BoundaryStatus.NONE, 0);
    }

    function _stored(uint256 index, uint256 boundary) private view returns (uint256) {
        return (_pairs[_key(index, boundary)] >> _shift(boundary)) & VOID_MARK;
    }

    /// @dev Boundaries are on the grid, and in the past or asked for by a hub: below 2^64.
    function _key(uint256 index, uint256 boundary) private pure returns (uint256) {
        return (index << 64) | (boundary / (2 * GRID));
    }

    function _shift(uint256 boundary) private pure returns (uint256) {
        unchecked {
            return boundary / GRID % 2 * HALF_BITS;
        }
    }
}
