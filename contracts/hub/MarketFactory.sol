// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {LibClone} from "solady/utils/LibClone.sol";

import {IBoundaryOracle} from "../interfaces/IBoundaryOracle.sol";
import {HouseTerms} from "../interfaces/IEpochHub.sol";
import {IMarketFactory} from "../interfaces/IMarketFactory.sol";
import {MarketRules} from "../libraries/MarketRules.sol";
import {MarketTerms, MarketTermsLib} from "../libraries/MarketTerms.sol";
import {MarketFacade} from "./MarketFacade.sol";

/// @title Market factory
contract MarketFactory is IMarketFactory {
    struct Info {
        bytes32 feed;
        string symbol;
    }

    uint256 internal constant FEE_BPS_MAX = 1000;
    uint256 internal constant BPS = 10_000;
    /// An opening of b·ln 2 shares leaves fifteen sixteenths of an epoch's bound to trades.
    uint256 internal constant LIQUIDITY_MAX = 1 << 79;
    /// Below this a price step would be coarser than the rounding.
    uint256 internal constant LIQUIDITY_MIN = 1e6;

    /// @inheritdoc IMarketFactory
    address public immutable hub;
    /// @inheritdoc IMarketFactory
    address public immutable implementation;
    IBoundaryOracle internal immutable _oracle;

    mapping(uint256 marketId => Info) private _info;

    /// @dev Made by its hub.
    // slither-disable-next-line missing-zero-check -- the hub has checked them
    constructor(address collateralToken, address oracle) {
        hub = msg.sender;
        _oracle = IBoundaryOracle(oracle);
        uint256 scale = 10 ** (18 - MarketRules.checkedDecimals(collateralToken));
        implementation = address(new MarketFacade(msg.sender, collateralToken, oracle, scale));
    }

    /// @inheritdoc IMarketFactory
    function create(uint256 marketId, bytes32 feed, string calldata symbol, uint256 genesis, HouseTerms calldata house)
        external
        returns (uint256, address)
    {
        if (msg.sender != hub) revert NotHub(msg.sender, hub);
        if (!_oracle.isFeed(feed)) revert UnknownFeed(feed);
        MarketRules.checkSymbol(symbol);
        MarketRules.checkGenesis(genesis);
        _checkHouse(house);
        _info[marketId] = Info({feed: feed, symbol: symbol});
        MarketTerms terms = MarketTermsLib.pack(
            genesis,
            house.liquidity,
            _oracle.feedIndex(feed),
            house.feeBps,
            house.closingFeeBps,
            house.closingLiquidityBps
        );
        bytes memory arguments = abi.encode(marketId, terms);
        return (MarketTerms.unwrap(terms), LibClone.cloneDeterministic(implementation, arguments, bytes32(marketId)));
    }

    /// @inheritdoc IMarketFactory
    function infoOf(uint256 marketId) external view returns (bytes32 feed, string memory symbol) {
        Info storage info = _info[marketId];
        return (info.feed, info.symbol);
    }

    function _checkHouse(HouseTerms calldata house) private pure {
        if (house.liquidity < LIQUIDITY_MIN || house.liquidity > LIQUIDITY_MAX) {
            revert LiquidityOutOfRange(house.liquidity, LIQUIDITY_MIN, LIQUIDITY_MAX);
        }
        uint256 leastClosing = (LIQUIDITY_MIN * BPS - 1) / house.liquidity + 1;
        if (house.closingLiquidityBps < leastClosing || house.closingLiquidityBps > BPS) {
            revert ClosingLiquidityOutOfRange(house.closingLiquidityBps, leastClosing, BPS);
        }
        if (house.closingFeeBps > FEE_BPS_MAX) revert FeeTooHigh(house.closingFeeBps, FEE_BPS_MAX);
        if (house.feeBps > house.closingFeeBps) revert FeeFalls(house.feeBps, house.closingFeeBps);
    }
}
