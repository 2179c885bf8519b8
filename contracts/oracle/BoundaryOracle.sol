// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable, Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {FixedPointMathLib} from "solady/utils/FixedPointMathLib.sol";

import {BoundaryPrice, BoundaryStatus, IBoundaryOracle} from "../interfaces/IBoundaryOracle.sol";
import {IReportAdapter} from "../interfaces/IReportAdapter.sol";

/// @title Boundary oracle
contract BoundaryOracle is IBoundaryOracle, Ownable2Step, ReentrancyGuardTransient {
    struct Feed {
        address adapter;
        uint32 deadline;
        uint24 index;
    }

    uint256 internal constant GRID = 300;
    /// A start price that can no longer come makes its epoch void; a deadline of a whole epoch at least sees to it that
    /// this is never known while the epoch is traded.
    uint256 internal constant DEADLINE_MIN = 300;
    uint256 internal constant DEADLINE_MAX = 7 days;
    uint256 internal constant PRICE_MAX = type(uint128).max - 1;
    /// What a voided boundary holds instead of a price.
    uint256 internal constant VOID_MARK = type(uint128).max;
    uint256 internal constant HALF_BITS = 128;

    /// The number of feeds; their indices are 1 to this number.
    uint256 public feedCount;

    mapping(bytes32 feed => Feed) private _feeds;
    mapping(uint256 index => uint256 deadline) private _deadlines;
    /// Two neighbouring boundaries in a slot, each a price (1e18), 0 or VOID_MARK: half of the posts write a slot that is
    /// not empty, and half of the epochs have both ends in one.
    mapping(uint256 key => uint256) private _pairs;

    constructor(address owner_) Ownable(owner_) {}

    /// @inheritdoc IBoundaryOracle
    function registerFeed(bytes32 feed, address adapter, uint256 deadline) external onlyOwner {
        if (adapter == address(0)) revert ZeroAddress();
        if (_feeds[feed].index != 0) revert FeedExists(feed);
        if (deadline < DEADLINE_MIN || deadline > DEADLINE_MAX) {
            revert DeadlineOutOfRange(deadline, DEADLINE_MIN, DEADLINE_MAX);
        }
        uint256 index = ++feedCount;
        if (index > type(uint24).max) revert TooManyFeeds(index, type(uint24).max);
        // forge-lint: disable-next-line(unsafe-typecast) -- both bounded above
        _feeds[feed] = Feed({adapter: adapter, deadline: uint32(deadline), index: uint24(index)});
        _deadlines[index] = deadline;
        emit FeedRegistered(feed, index, adapter, deadline);
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
        _write(known.index, boundary, VOID_MARK);
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

    /// @dev Stores one price that `adapter` vouches for; false if the same price stands already.
    function _store(address adapter, BoundaryPrice memory given) private returns (bool) {
        Feed memory known = _feed(given.feed);
        if (known.adapter != adapter) revert WrongAdapter(given.feed, adapter, known.adapter);
        if (given.boundary % GRID != 0) revert BoundaryOffGrid(given.boundary, GRID);
        if (given.boundary > block.timestamp) revert BoundaryInFuture(given.boundary, block.timestamp);
        if (given.price == 0 || given.price > PRICE_MAX) {
            revert PriceOutOfRange(given.feed, given.boundary, given.price);
        }
        uint256 stored = _stored(known.index, given.boundary);
        if (stored == given.price) return false;
        if (stored == VOID_MARK) revert BoundaryAlreadyVoid(given.feed, given.boundary);
        if (stored != 0) revert DifferentPrice(given.feed, given.boundary, stored, given.price);
        uint256 deadlineAt = given.boundary + known.deadline;
        if (block.timestamp > deadlineAt) revert BoundaryDeadlinePassed(given.feed, given.boundary, deadlineAt);
        _write(known.index, given.boundary, given.price);
        emit BoundaryPosted(given.feed, given.boundary, given.price);
        return true;
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

    /// @dev Fills an empty half.
    function _write(uint256 index, uint256 boundary, uint256 value) private {
        _pairs[_key(index, boundary)] |= value << _shift(boundary);
    }

    /// @dev Boundaries are on the grid, and in the past or asked for by a hub: below 2^64.
    function _key(uint256 index, uint256 boundary) private pure returns (uint256) {
        return (index << 64) | (boundary / (2 * GRID));
    }

    function _shift(uint256 boundary) private pure returns (uint256) {
        return boundary / GRID % 2 * HALF_BITS;
    }
}
