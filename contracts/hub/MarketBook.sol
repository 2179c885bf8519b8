// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable, Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {LibClone} from "solady/utils/LibClone.sol";
import {LibString} from "solady/utils/LibString.sol";

import {BoundaryStatus, IBoundaryOracle} from "../interfaces/IBoundaryOracle.sol";
import {IEpochHub, Market, Outcome} from "../interfaces/IEpochHub.sol";
import {EpochClock} from "../libraries/EpochClock.sol";
import {PositionId} from "../libraries/PositionId.sol";
import {Settlement} from "../libraries/Settlement.sol";
import {CollateralLedger} from "./CollateralLedger.sol";
import {MarketFacade} from "./MarketFacade.sol";

/// @title Market book
/// @notice The markets of a hub: their creation, their clock, their outcomes and the guardian's power over trading.
abstract contract MarketBook is CollateralLedger, Ownable2Step {
    /// What a trade reads of a market, in one slot.
    struct MarketSlot {
        /// Genesis divided by the length of an epoch.
        uint32 genesisIndex;
        uint16 feeBps;
        uint24 feedIndex;
        uint88 liquidity;
        uint96 houseBudget;
    }

    /// The rest of it.
    struct MarketInfo {
        address creator;
        bytes32 feed;
        string symbol;
    }

    uint256 internal constant FEE_BPS_MAX = 1000;
    uint256 internal constant SYMBOL_LENGTH_MAX = 31;
    /// Letters, digits and - . / _: anyone names markets, and every program must be able to read and print the name.
    uint128 internal constant SYMBOL_CHARACTERS =
        LibString.ALPHANUMERIC_7_BIT_ASCII | uint128((1 << 0x2d) | (1 << 0x2e) | (1 << 0x2f) | (1 << 0x5f));
    /// An opening of b·ln 2 shares leaves fifteen sixteenths of an epoch's bound to trades.
    uint256 internal constant LIQUIDITY_MAX = 1 << 80;
    /// Below this a price step would be coarser than the rounding.
    uint256 internal constant LIQUIDITY_MIN = 1e6;
    uint256 internal constant GENESIS_AHEAD_MAX = 366 days;

    IBoundaryOracle public immutable oracle;
    address public immutable facadeImplementation;
    /// What an amount is multiplied with to be 1e18 fixed point.
    uint256 internal immutable _scale;

    address public guardian;
    uint256 public marketCount;

    mapping(uint256 marketId => MarketSlot) internal _markets;
    mapping(uint256 marketId => MarketInfo) private _info;

    constructor(address owner_, address collateralToken_, address oracle_, address guardian_)
        CollateralLedger(collateralToken_)
        Ownable(owner_)
    {
        if (oracle_ == address(0)) revert ZeroAddress();
        uint256 decimals = IERC20Metadata(collateralToken_).decimals();
        if (decimals > 18) revert TooManyDecimals(decimals, 18);
        _scale = 10 ** (18 - decimals);
        oracle = IBoundaryOracle(oracle_);
        facadeImplementation = address(new MarketFacade(address(this), collateralToken_));
        guardian = guardian_;
        emit GuardianSet(guardian_);
    }

    /// @inheritdoc IEpochHub
    function createMarket(bytes32 feed, string calldata symbol, uint256 genesis, uint256 liquidity, uint256 feeBps)
        external
        returns (uint256 marketId, address facade)
    {
        if (!oracle.isFeed(feed)) revert UnknownFeed(feed);
        _checkMarket(symbol, genesis, liquidity, feeBps);

        marketId = ++marketCount;
        // forge-lint: disable-start(unsafe-typecast) -- bounded by _checkMarket, and the oracle bounds its feeds
        _markets[marketId] = MarketSlot({
            genesisIndex: uint32(genesis / EpochClock.EPOCH),
            feeBps: uint16(feeBps),
            feedIndex: uint24(oracle.feedIndex(feed)),
            liquidity: uint88(liquidity),
            houseBudget: 0
        });
        // forge-lint: disable-end(unsafe-typecast)
        _info[marketId] = MarketInfo({creator: msg.sender, feed: feed, symbol: symbol});
        facade = facadeOf(marketId);
        emit MarketCreated(marketId, facade, feed, msg.sender, symbol, genesis, liquidity, feeBps);
        // slither-disable-next-line unused-return -- the address is known before: facadeOf
        LibClone.cloneDeterministic(facadeImplementation, abi.encode(marketId), bytes32(marketId));
    }

    /// @inheritdoc IEpochHub
    function setTradingPaused(bool paused) external {
        if (msg.sender != guardian) revert NotGuardian(msg.sender);
        _tradingPaused = paused;
        emit TradingPaused(paused);
    }

    /// @inheritdoc IEpochHub
    // slither-disable-next-line missing-zero-check -- no guardian is a choice
    function setGuardian(address guardian_) external onlyOwner {
        guardian = guardian_;
        emit GuardianSet(guardian_);
    }

    /// @inheritdoc IEpochHub
    function market(uint256 marketId) external view returns (Market memory) {
        MarketSlot memory slot = _marketSlot(marketId);
        MarketInfo storage info = _info[marketId];
        return Market({
            facade: facadeOf(marketId),
            creator: info.creator,
            feed: info.feed,
            symbol: info.symbol,
            genesis: _genesis(slot),
            liquidity: slot.liquidity,
            feeBps: slot.feeBps,
            houseBudget: slot.houseBudget
        });
    }

    /// @inheritdoc IEpochHub
    function currentEpoch(uint256 marketId) external view returns (uint256) {
        return EpochClock.epochAt(_genesis(_marketSlot(marketId)), block.timestamp);
    }

    /// @inheritdoc IEpochHub
    function outcomeOf(uint256 marketId, uint256 epoch)
        external
        view
        returns (Outcome outcome, uint256 startPrice, uint256 endPrice)
    {
        return _outcomeOf(_marketSlot(marketId), epoch);
    }

    /// @notice The address of a market's facade; a market that does not exist has an address, but no code there.
    function facadeOf(uint256 marketId) public view returns (address) {
        return LibClone.predictDeterministicAddress(
            facadeImplementation, abi.encode(marketId), bytes32(marketId), address(this)
        );
    }

    function _marketSlot(uint256 marketId) internal view returns (MarketSlot memory slot) {
        slot = _markets[marketId];
        if (slot.genesisIndex == 0) revert UnknownMarket(marketId);
    }

    function _creatorOf(uint256 marketId) internal view returns (address) {
        return _info[marketId].creator;
    }

    /// @dev The key of an epoch; epochs and markets that cannot be have none, so that no two share one.
    function _epochKey(uint256 marketId, uint256 epoch) internal view returns (uint256) {
        if (marketId == 0 || marketId > marketCount) revert UnknownMarket(marketId);
        if (epoch == 0 || epoch > EpochClock.EPOCH_MAX) revert EpochOutOfRange(epoch, EpochClock.EPOCH_MAX);
        return PositionId.epochKey(marketId, epoch);
    }

    function _genesis(MarketSlot memory slot) internal pure returns (uint256) {
        return slot.genesisIndex * EpochClock.EPOCH;
    }

    /// @dev An epoch is open until it has ended, whatever is known of its boundaries.
    function _outcomeOf(MarketSlot memory slot, uint256 epoch)
        internal
        view
        returns (Outcome outcome, uint256 startPrice, uint256 endPrice)
    {
        if (epoch == 0 || epoch > EpochClock.EPOCH_MAX) revert EpochOutOfRange(epoch, EpochClock.EPOCH_MAX);
        uint256 genesis = _genesis(slot);
        uint256 endAt = EpochClock.endOf(genesis, epoch);
        BoundaryStatus startStatus;
        BoundaryStatus endStatus;
        // slither-disable-next-line calls-loop -- the oracle is ours, and each epoch has boundaries of its own
        (startStatus, startPrice, endStatus, endPrice) =
            oracle.endsOf(slot.feedIndex, EpochClock.startOf(genesis, epoch), endAt);
        outcome =
            block.timestamp < endAt ? Outcome.OPEN : Settlement.outcome(startStatus, startPrice, endStatus, endPrice);
    }

    function _checkMarket(string calldata symbol, uint256 genesis, uint256 liquidity, uint256 feeBps) private view {
        uint256 symbolLength = bytes(symbol).length;
        if (symbolLength == 0 || symbolLength > SYMBOL_LENGTH_MAX) {
            revert SymbolLength(symbolLength, SYMBOL_LENGTH_MAX);
        }
        if (!LibString.is7BitASCII(symbol, SYMBOL_CHARACTERS)) revert SymbolCharacters(symbol);
        if (genesis % EpochClock.EPOCH != 0) revert GenesisOffGrid(genesis, EpochClock.EPOCH);
        // slither-disable-next-line weak-prng -- the start of the running epoch, nothing random
        uint256 earliest = block.timestamp - block.timestamp % EpochClock.EPOCH;
        uint256 latest = block.timestamp + GENESIS_AHEAD_MAX;
        if (genesis < earliest || genesis > latest) revert GenesisOutOfRange(genesis, earliest, latest);
        if (liquidity < LIQUIDITY_MIN || liquidity > LIQUIDITY_MAX) {
            revert LiquidityOutOfRange(liquidity, LIQUIDITY_MIN, LIQUIDITY_MAX);
        }
        if (feeBps > FEE_BPS_MAX) revert FeeTooHigh(feeBps, FEE_BPS_MAX);
    }
}
