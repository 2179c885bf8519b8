// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {LibClone} from "solady/utils/LibClone.sol";

import {BoundaryStatus, IBoundaryOracle} from "../interfaces/IBoundaryOracle.sol";
import {HouseTerms, IEpochHub, Outcome} from "../interfaces/IEpochHub.sol";
import {IMarketFactory} from "../interfaces/IMarketFactory.sol";
import {EpochClock} from "../libraries/EpochClock.sol";
import {EpochState} from "../libraries/EpochState.sol";
import {MarketTerms} from "../libraries/MarketTerms.sol";
import {PositionId} from "../libraries/PositionId.sol";
import {Settlement} from "../libraries/Settlement.sol";
import {CollateralLedger} from "./CollateralLedger.sol";
import {CompleteSets} from "./CompleteSets.sol";
import {MarketFactory} from "./MarketFactory.sol";

/// @title Market book
/// @notice The markets of a hub: their creation, their clock, their outcomes and their epochs' complete sets.
abstract contract MarketBook is IEpochHub, CompleteSets {
    IBoundaryOracle public immutable oracle;
    /// Checks and makes the markets of this hub.
    IMarketFactory public immutable factory;
    address internal immutable _facadeImplementation;

    uint256 public marketCount;

    mapping(uint256 marketId => MarketTerms) private _terms;
    mapping(uint256 marketId => address) internal _creators;
    mapping(uint256 epochKey => EpochState) internal _epochs;

    constructor(address owner_, address collateralToken_, address oracle_, address guardian_)
        CollateralLedger(owner_, collateralToken_, guardian_)
    {
        if (oracle_ == address(0)) revert ZeroAddress();
        oracle = IBoundaryOracle(oracle_);
        factory = new MarketFactory(collateralToken_, oracle_);
        _facadeImplementation = factory.implementation();
    }

    /// @inheritdoc IEpochHub
    function createMarket(bytes32 feed, string calldata symbol, uint256 genesis, HouseTerms calldata house)
        external
        returns (uint256 marketId, address facade)
    {
        marketId = ++marketCount;
        uint256 terms;
        // The factory is ours, and calls nobody but the oracle.
        // slither-disable-next-line reentrancy-benign,reentrancy-events
        (terms, facade) = factory.create(marketId, feed, symbol, genesis, house);
        _terms[marketId] = MarketTerms.wrap(terms);
        _creators[marketId] = msg.sender;
        _initBudget(marketId, house.dailyBudget);
        emit MarketCreated(
            marketId,
            facade,
            feed,
            msg.sender,
            symbol,
            genesis,
            house.liquidity,
            house.feeBps,
            house.closingLiquidityBps,
            house.closingFeeBps,
            house.dailyBudget
        );
    }

    /// @inheritdoc IEpochHub
    function currentEpoch(uint256 marketId) external view returns (uint256) {
        return EpochClock.epochAt(_termsOf(marketId).genesis(), block.timestamp);
    }

    /// @inheritdoc IEpochHub
    function outcomeOf(uint256 marketId, uint256 epoch)
        external
        view
        returns (Outcome outcome, uint256 startPrice, uint256 endPrice)
    {
        return _outcomeOf(_termsOf(marketId), epoch);
    }

    /// @notice The address of a market's facade; a market that does not exist has an address, but no code there.
    function facadeOf(uint256 marketId) public view returns (address) {
        return _facadeOf(marketId, _terms[marketId]);
    }

    function _initBudget(uint256 marketId, uint256 dailyBudget) internal virtual;

    function _termsOf(uint256 marketId) internal view returns (MarketTerms terms) {
        terms = _terms[marketId];
        if (MarketTerms.unwrap(terms) == 0) revert UnknownMarket(marketId);
    }

    function _facadeOf(uint256 marketId, MarketTerms terms) internal view returns (address) {
        return LibClone.predictDeterministicAddress(
            _facadeImplementation, abi.encode(marketId, terms), bytes32(marketId), address(factory)
        );
    }

    // ------------------------------------------------------------------ what complete sets ask of it

    function _tradableKey(uint256 marketId, uint256 epoch) internal view override returns (uint256 key) {
        key = _knownKey(marketId, epoch);
        uint256 endAt = EpochClock.endOf(_termsOf(marketId).genesis(), epoch);
        if (block.timestamp >= endAt) revert EpochEnded(epoch, endAt);
    }

    /// @dev Epochs and markets that cannot be have no key, so that no two share one.
    function _knownKey(uint256 marketId, uint256 epoch) internal view override returns (uint256) {
        _termsOf(marketId);
        if (epoch == 0 || epoch > EpochClock.EPOCH_MAX) revert EpochOutOfRange(epoch, EpochClock.EPOCH_MAX);
        return PositionId.epochKey(marketId, epoch);
    }

    function _addSets(uint256 key, uint256 amount) internal override {
        EpochState state = _epochs[key];
        _epochs[key] = state.withSets(state.sets() + amount);
    }

    function _removeSets(uint256 key, uint256 amount) internal override {
        EpochState state = _epochs[key];
        _epochs[key] = state.withSets(state.sets() - amount);
    }

    function _termsWord(uint256 marketId) internal view override returns (uint256) {
        return MarketTerms.unwrap(_termsOf(marketId));
    }

    function _payoutDown(uint256 terms, uint256, uint256 epoch, uint256 yesShares, uint256 noShares)
        internal
        view
        override
        returns (bool answered, uint256 payout)
    {
        (Outcome outcome,,) = _outcomeOf(MarketTerms.wrap(terms), epoch);
        return (outcome != Outcome.OPEN, Settlement.payoutDown(outcome, yesShares, noShares));
    }

    /// @dev An epoch is open until it has ended, whatever is known of its boundaries.
    function _outcomeOf(MarketTerms terms, uint256 epoch)
        internal
        view
        returns (Outcome outcome, uint256 startPrice, uint256 endPrice)
    {
        if (epoch == 0 || epoch > EpochClock.EPOCH_MAX) revert EpochOutOfRange(epoch, EpochClock.EPOCH_MAX);
        uint256 genesis = terms.genesis();
        uint256 endAt = EpochClock.endOf(genesis, epoch);
        BoundaryStatus startStatus;
        BoundaryStatus endStatus;
        // slither-disable-next-line calls-loop -- the oracle is ours, and each epoch has boundaries of its own
        (startStatus, startPrice, endStatus, endPrice) =
            oracle.endsOf(terms.feedIndex(), EpochClock.startOf(genesis, epoch), endAt);
        outcome =
            block.timestamp < endAt ? Outcome.OPEN : Settlement.outcome(startStatus, startPrice, endStatus, endPrice);
    }
}
