// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BoundaryStatus, IBoundaryOracle} from "../interfaces/IBoundaryOracle.sol";
import {IRaceMarket, Race, RaceStatus} from "../interfaces/IRaceMarket.sol";
import {EpochClock} from "../libraries/EpochClock.sol";
import {MarketRules} from "../libraries/MarketRules.sol";
import {RaceResult, RaceResultLib} from "../libraries/RaceResult.sol";
import {RaceTerms, RaceTermsLib} from "../libraries/RaceTerms.sol";

/// @title Race book
/// @notice The races, their books and their results.
abstract contract RaceBook is IRaceMarket {
    struct RaceInfo {
        RaceTerms terms;
        uint256 laterFeeds;
        address creator;
        string symbol;
        bytes32[] feeds;
    }

    uint256 internal constant ASSETS_MIN = 2;
    /// A place and a tie of sixteen fit a byte, and so a result a word.
    uint256 internal constant ASSETS_MAX = 16;
    uint256 internal constant POSITIONS_MAX = 5;
    /// A market id is `raceId << 16 | position << 8 | asset`.
    uint256 internal constant RACE_SHIFT = 16;
    uint256 internal constant POSITION_SHIFT = 8;
    uint256 internal constant BYTE = 0xff;

    IBoundaryOracle public immutable oracle;

    uint256 public raceCount;

    mapping(uint256 raceId => RaceInfo) private _races;
    mapping(uint256 raceId => mapping(uint256 epoch => RaceResult)) private _results;

    constructor(address oracle_) {
        if (oracle_ == address(0)) revert ZeroAddress();
        oracle = IBoundaryOracle(oracle_);
    }

    /// @inheritdoc IRaceMarket
    function createRace(string calldata symbol, bytes32[] calldata feeds, uint256 positions, uint256 genesis)
        external
        returns (uint256 raceId)
    {
        MarketRules.checkSymbol(symbol);
        MarketRules.checkGenesis(genesis);
        uint256[] memory numbers = _checkedFeeds(feeds);
        uint256 most = feeds.length < POSITIONS_MAX ? feeds.length : POSITIONS_MAX;
        if (positions == 0 || positions > most) revert PositionsOutOfRange(positions, most);

        raceId = ++raceCount;
        (RaceTerms terms, uint256 laterFeeds) = RaceTermsLib.pack(genesis, positions, numbers);
        _races[raceId] =
            RaceInfo({terms: terms, laterFeeds: laterFeeds, creator: msg.sender, symbol: symbol, feeds: feeds});
        emit RaceCreated(raceId, msg.sender, symbol, feeds, positions, genesis);
    }

    /// @inheritdoc IRaceMarket
    function storeResult(uint256 raceId, uint256 epoch) external returns (uint256 packed) {
        RaceTerms terms = _termsOfRace(raceId);
        packed = storedResult(raceId, epoch);
        if (packed != 0) return packed;
        RaceResult result = _resultNow(raceId, terms, epoch);
        if (result.status() == RaceStatus.OPEN) revert EpochStillOpen(raceId, epoch);
        _results[raceId][epoch] = result;
        packed = RaceResult.unwrap(result);
        emit ResultStored(raceId, epoch, packed);
    }

    /// @inheritdoc IRaceMarket
    function resultOf(uint256 raceId, uint256 epoch)
        external
        view
        returns (RaceStatus status, uint256[] memory firstPlaces, uint256[] memory tied)
    {
        RaceTerms terms = _termsOfRace(raceId);
        uint256 assets = terms.assets();
        (firstPlaces, tied) = (new uint256[](assets), new uint256[](assets));
        RaceResult result = _resultNow(raceId, terms, epoch);
        status = result.status();
        if (status == RaceStatus.OPEN) return (status, firstPlaces, tied);
        for (uint256 i; i < assets; ++i) {
            uint256 better;
            (better, tied[i]) = result.placeAt(i);
            firstPlaces[i] = better + 1;
        }
    }

    /// @inheritdoc IRaceMarket
    function payoutOf(uint256 marketId, uint256 epoch) external view returns (uint256 numerator, uint256 denominator) {
        return _payout(_termsOfBook(marketId), marketId, epoch);
    }

    /// @inheritdoc IRaceMarket
    function raceOf(uint256 raceId) external view returns (Race memory) {
        RaceTerms terms = _termsOfRace(raceId);
        RaceInfo storage info = _races[raceId];
        return Race({
            creator: info.creator,
            symbol: info.symbol,
            feeds: info.feeds,
            positions: terms.positions(),
            genesis: terms.genesis()
        });
    }

    /// @inheritdoc IRaceMarket
    function currentEpoch(uint256 raceId) external view returns (uint256) {
        return EpochClock.epochAt(_termsOfRace(raceId).genesis(), block.timestamp);
    }

    /// @inheritdoc IRaceMarket
    function bookOf(uint256 raceId, uint256 position, uint256 asset) external view returns (uint256) {
        return _bookOf(_termsOfRace(raceId), raceId, position, asset);
    }

    /// @inheritdoc IRaceMarket
    function storedResult(uint256 raceId, uint256 epoch) public view returns (uint256) {
        return RaceResult.unwrap(_results[raceId][epoch]);
    }

    // ------------------------------------------------------------------ terms

    function _termsOfRace(uint256 raceId) internal view returns (RaceTerms) {
        return _known(raceId, raceId);
    }

    /// @dev The terms of the race of a book that there is.
    function _termsOfBook(uint256 marketId) internal view returns (RaceTerms terms) {
        terms = _known(marketId >> RACE_SHIFT, marketId);
        _checkBook(terms, _positionOf(marketId), _assetOf(marketId));
    }

    function _bookOf(RaceTerms terms, uint256 raceId, uint256 position, uint256 asset) internal pure returns (uint256) {
        _checkBook(terms, position, asset);
        return (raceId << RACE_SHIFT) | (position << POSITION_SHIFT) | asset;
    }

    function _checkEpoch(uint256 epoch) internal pure {
        if (epoch == 0 || epoch > EpochClock.EPOCH_MAX) revert EpochOutOfRange(epoch, EpochClock.EPOCH_MAX);
    }

    function _positionOf(uint256 marketId) internal pure returns (uint256) {
        return (marketId >> POSITION_SHIFT) & BYTE;
    }

    function _assetOf(uint256 marketId) internal pure returns (uint256) {
        return marketId & BYTE;
    }

    // ------------------------------------------------------------------ results

    /// @dev What a YES of the book pays, as a fraction; 0 of 0 while the epoch is open.
    function _payout(RaceTerms terms, uint256 marketId, uint256 epoch)
        internal
        view
        returns (uint256 numerator, uint256 denominator)
    {
        uint256 raceId = marketId >> RACE_SHIFT;
        RaceResult stored = _results[raceId][epoch];
        if (RaceResult.unwrap(stored) != 0) {
            (uint256 above, uint256 equal) = stored.placeAt(_assetOf(marketId));
            return RaceResultLib.partOf(above, equal, _positionOf(marketId));
        }
        (RaceStatus status, uint256[] memory runs) = _runsOf(raceId, terms, epoch);
        if (status == RaceStatus.OPEN) return (0, 0);
        if (status == RaceStatus.VOID) return (1, terms.assets());
        (uint256 better, uint256 tied) = RaceResultLib.placeOf(runs, _assetOf(marketId));
        return RaceResultLib.partOf(better, tied, _positionOf(marketId));
    }

    /// @dev The result as of now; its word is 0 while the epoch is open.
    function _resultNow(uint256 raceId, RaceTerms terms, uint256 epoch) private view returns (RaceResult) {
        (RaceStatus status, uint256[] memory runs) = _runsOf(raceId, terms, epoch);
        if (status == RaceStatus.OPEN) return RaceResult.wrap(0);
        return status == RaceStatus.VOID ? RaceResultLib.voided(terms.assets()) : RaceResultLib.finished(runs);
    }

    /// @dev What every asset has run, of use if the race is finished only. An epoch is open until it has ended, whatever is
    /// known of its boundaries.
    function _runsOf(uint256 raceId, RaceTerms terms, uint256 epoch)
        private
        view
        returns (RaceStatus status, uint256[] memory runs)
    {
        _checkEpoch(epoch);
        uint256 startAt = EpochClock.startOf(terms.genesis(), epoch);
        uint256 endAt = startAt + EpochClock.EPOCH;
        if (block.timestamp < endAt) return (RaceStatus.OPEN, runs);
        status = RaceStatus.FINISHED;
        uint256 assets = terms.assets();
        uint256 laterFeeds = assets > RaceTermsLib.FEEDS_HERE ? _races[raceId].laterFeeds : 0;
        runs = new uint256[](assets);
        for (uint256 i; i < assets; ++i) {
            // slither-disable-next-line calls-loop -- the oracle is ours, and each asset has a feed of its own
            (BoundaryStatus startStatus, uint256 startPrice, BoundaryStatus endStatus, uint256 endPrice) =
                oracle.endsOf(terms.feedAt(laterFeeds, i), startAt, endAt);
            if (startStatus == BoundaryStatus.VOID || endStatus == BoundaryStatus.VOID) return (RaceStatus.VOID, runs);
            if (startStatus == BoundaryStatus.NONE || endStatus == BoundaryStatus.NONE) status = RaceStatus.OPEN;
            runs[i] = (endPrice << RaceResultLib.PRICE_BITS) | startPrice;
        }
    }

    /// @dev The terms of a race; `asked` is the id that the caller knows.
    function _known(uint256 raceId, uint256 asked) private view returns (RaceTerms terms) {
        terms = _races[raceId].terms;
        if (RaceTerms.unwrap(terms) == 0) revert UnknownMarket(asked);
    }

    /// @dev The oracle's numbers of different feeds; it refuses what is no feed of its own.
    function _checkedFeeds(bytes32[] calldata feeds) private view returns (uint256[] memory numbers) {
        if (feeds.length < ASSETS_MIN) revert TooFewAssets(feeds.length, ASSETS_MIN);
        if (feeds.length > ASSETS_MAX) revert TooManyAssets(feeds.length, ASSETS_MAX);
        numbers = new uint256[](feeds.length);
        for (uint256 i; i < feeds.length; ++i) {
            for (uint256 j; j < i; ++j) {
                if (feeds[i] == feeds[j]) revert DuplicateAsset(feeds[i]);
            }
            // slither-disable-next-line calls-loop -- the oracle is ours
            numbers[i] = oracle.feedIndex(feeds[i]);
        }
    }

    function _checkBook(RaceTerms terms, uint256 position, uint256 asset) private pure {
        uint256 positions = terms.positions();
        if (position == 0 || position > positions) revert PositionOutOfRange(position, positions);
        uint256 last = terms.assets() - 1;
        if (asset > last) revert AssetOutOfRange(asset, last);
    }
}
