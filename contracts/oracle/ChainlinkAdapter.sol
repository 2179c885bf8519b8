// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BoundaryPrice} from "../interfaces/IBoundaryOracle.sol";
import {BoundaryRound, IChainlinkAdapter} from "../interfaces/IChainlinkAdapter.sol";
import {IReportAdapter} from "../interfaces/IReportAdapter.sol";
import {IAggregatorV3} from "../interfaces/external/IAggregatorV3.sol";
import {PriceScale} from "../libraries/PriceScale.sol";

/// @title Chainlink adapter
// slither-disable-next-line locked-ether -- verify refuses it: none can be locked
contract ChainlinkAdapter is IChainlinkAdapter {
    struct Source {
        IAggregatorV3 aggregator;
        uint32 maxAge;
        uint8 decimals;
    }

    uint256 private constant MAX_AGE_LEAST = 1;
    uint256 private constant MAX_AGE_MOST = 7 days;
    uint256 private constant DECIMALS_MOST = 36;
    uint256 private constant PHASE_BITS = 64;

    mapping(bytes32 feed => Source) private _sources;

    constructor(bytes32[] memory feeds, address[] memory aggregators, uint256[] memory maxAges) {
        uint256 count = feeds.length;
        if (count == 0) revert NoFeeds();
        if (count != aggregators.length || count != maxAges.length) {
            revert LengthsDiffer(count, aggregators.length, maxAges.length);
        }
        for (uint256 i; i < count; ++i) {
            _addSource(feeds[i], aggregators[i], maxAges[i]);
        }
    }

    /// @inheritdoc IReportAdapter
    /// @dev Nobody is charged; ether sent along would be stuck, so it is refused.
    function verify(bytes calldata report) external payable returns (BoundaryPrice[] memory prices) {
        if (msg.value != 0) revert NoFeeDue(msg.value);
        BoundaryRound[] memory rounds = abi.decode(report, (BoundaryRound[]));
        prices = new BoundaryPrice[](rounds.length);
        for (uint256 i; i < rounds.length; ++i) {
            prices[i] = BoundaryPrice(rounds[i].feed, rounds[i].boundary, _priceAt(rounds[i]));
        }
    }

    /// @inheritdoc IChainlinkAdapter
    function sourceOf(bytes32 feed) external view returns (address aggregator, uint256 decimals, uint256 maxAge) {
        Source memory source = _sources[feed];
        return (address(source.aggregator), source.decimals, source.maxAge);
    }

    function _addSource(bytes32 feed, address aggregator, uint256 maxAge) private {
        if (aggregator.code.length == 0) revert NotAContract(aggregator);
        if (address(_sources[feed].aggregator) != address(0)) revert DuplicateFeed(feed);
        if (maxAge < MAX_AGE_LEAST || maxAge > MAX_AGE_MOST) {
            revert MaxAgeOutOfRange(maxAge, MAX_AGE_LEAST, MAX_AGE_MOST);
        }
        // slither-disable-next-line calls-loop -- once, in the constructor
        uint8 decimals = IAggregatorV3(aggregator).decimals();
        if (decimals > DECIMALS_MOST) revert DecimalsOutOfRange(feed, decimals, DECIMALS_MOST);
        // forge-lint: disable-next-line(unsafe-typecast) -- bounded above
        _sources[feed] = Source(IAggregatorV3(aggregator), uint32(maxAge), decimals);
    }

    /// @dev The answer of the round at 1e18, if it was the last one at the boundary.
    function _priceAt(BoundaryRound memory given) private view returns (uint256) {
        Source memory source = _sources[given.feed];
        if (address(source.aggregator) == address(0)) revert FeedNotServed(given.feed);
        (int256 answer, uint256 updatedAt, uint256 answeredInRound) = _round(source.aggregator, given.roundId);
        if (updatedAt == 0) revert RoundMissing(given.feed, given.roundId);
        if (answeredInRound < given.roundId) revert RoundIncomplete(given.feed, given.roundId, answeredInRound);
        if (updatedAt > given.boundary) {
            revert RoundAfterBoundary(given.feed, given.boundary, given.roundId, updatedAt);
        }
        if (given.boundary - updatedAt > source.maxAge) {
            revert RoundTooOld(given.feed, given.boundary, given.roundId, updatedAt, source.maxAge);
        }
        _checkLast(source.aggregator, given);
        if (answer <= 0 || answer > type(int192).max) revert AnswerOutOfRange(given.feed, given.roundId, answer);
        // forge-lint: disable-next-line(unsafe-typecast) -- above zero
        return PriceScale.toE18(uint256(answer), -int256(uint256(source.decimals)));
    }

    /// @dev Reverts unless a later round is there, and all later ones came after the boundary.
    function _checkLast(IAggregatorV3 aggregator, BoundaryRound memory given) private view {
        uint80 laterId = given.roundId + 1;
        (, uint256 laterAt,) = _round(aggregator, laterId);
        bool proven = _isAfter(given, laterId, laterAt);
        // slither-disable-next-line calls-loop,unused-return -- who asks pays; only the phase counts
        (uint80 latestId,,,,) = aggregator.latestRoundData();
        for (uint256 phase = (given.roundId >> PHASE_BITS) + 1; phase <= latestId >> PHASE_BITS; ++phase) {
            // forge-lint: disable-next-line(unsafe-typecast) -- of the latest round's phase at most
            laterId = uint80((phase << PHASE_BITS) + 1);
            (, laterAt,) = _round(aggregator, laterId);
            if (_isAfter(given, laterId, laterAt)) proven = true;
        }
        if (!proven) revert SuccessorMissing(given.feed, given.boundary, given.roundId);
    }

    /// @dev Whether a later round is there; reverts if the boundary is not before it.
    function _isAfter(BoundaryRound memory given, uint80 laterId, uint256 laterAt) private pure returns (bool) {
        if (laterAt == 0) return false;
        if (laterAt <= given.boundary) {
            revert RoundNotLast(given.feed, given.boundary, given.roundId, laterId, laterAt);
        }
        return true;
    }

    /// @dev Zeros for a round that is missing, whichever way the aggregator says so.
    function _round(IAggregatorV3 aggregator, uint80 roundId)
        private
        view
        returns (int256 answer, uint256 updatedAt, uint256 answeredInRound)
    {
        // slither-disable-next-line calls-loop,unused-return -- who asks pays; the rest does not count
        try aggregator.getRoundData(roundId) returns (uint80, int256 answer_, uint256, uint256 updatedAt_, uint80 in_) {
            return (answer_, updatedAt_, in_);
        } catch {
            return (0, 0, 0);
        }
    }
}
