// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Multicall} from "@openzeppelin/contracts/utils/Multicall.sol";

import {CollateralLedger} from "../hub/CollateralLedger.sol";
import {CompleteSets} from "../hub/CompleteSets.sol";
import {Side} from "../interfaces/ICompleteSets.sol";
import {IRaceMarket} from "../interfaces/IRaceMarket.sol";
import {EpochClock} from "../libraries/EpochClock.sol";
import {MarketRules} from "../libraries/MarketRules.sol";
import {PositionId} from "../libraries/PositionId.sol";
import {RaceTerms} from "../libraries/RaceTerms.sol";
import {RaceBook} from "./RaceBook.sol";

/// @title Race market
/// @notice Races over one collateral ledger: complete sets of a book, fields of a position, conversions between the two,
/// and signed orders. `split`, `merge`, `redeem`, `withdraw` and their like for fields work whatever the oracle's
/// reporters, the owner, the guardian or the operators do.
contract RaceMarket is RaceBook, CompleteSets, Multicall {
    /// A book's key, and a position's id, differ from those of the asset before by one in their asset.
    uint256 private constant KEY_ASSET_SHIFT = 56;
    uint256 private constant ID_ASSET_SHIFT = 64;

    /// By the key of the position's first book. Bounded as the liabilities are.
    mapping(uint256 fieldKey => uint256 collateral) private _pots;

    /// @param owner_ Names the guardian and the operators that settle orders, and nothing else.
    /// @param collateralToken_ An ERC-20 of at most 18 decimals that delivers what it is told to.
    constructor(address owner_, address collateralToken_, address oracle_, address guardian_)
        CollateralLedger(owner_, collateralToken_, guardian_)
        RaceBook(oracle_)
    {
        // slither-disable-next-line unused-return -- what is refused is refused with a revert
        MarketRules.checkedDecimals(collateralToken_);
    }

    /// @inheritdoc IRaceMarket
    function splitField(uint256 raceId, uint256 epoch, uint256 position, uint256 amount) external nonReentrant {
        if (amount == 0) revert ZeroAmount();
        (RaceTerms terms, uint256 key) = _fieldOf(raceId, epoch, position);
        _checkRunning(terms, epoch);
        _spendCollateral(msg.sender, amount);
        _addSets(key, amount);
        emit FieldSplit(raceId, epoch, msg.sender, position, amount);
        _mintField(key, terms, terms.assets(), amount);
    }

    /// @inheritdoc IRaceMarket
    function mergeField(uint256 raceId, uint256 epoch, uint256 position, uint256 amount) external nonReentrant {
        if (amount == 0) revert ZeroAmount();
        (RaceTerms terms, uint256 key) = _fieldOf(raceId, epoch, position);
        _burnField(key, terms, terms.assets(), amount);
        _removeSets(key, amount);
        _credit(msg.sender, amount);
        emit FieldMerged(raceId, epoch, msg.sender, position, amount);
    }

    /// @inheritdoc IRaceMarket
    function convertToField(uint256 marketId, uint256 epoch, uint256 amount) external nonReentrant {
        if (amount == 0) revert ZeroAmount();
        RaceTerms terms = _termsOfBook(marketId);
        uint256 key = _keyOf(marketId, epoch);
        _burn(msg.sender, PositionId.idOf(key, Side.NO), amount);
        emit Converted(marketId, epoch, msg.sender, true, amount);
        _mintField(_fieldKey(key), terms, _assetOf(marketId), amount);
    }

    /// @inheritdoc IRaceMarket
    function convertFromField(uint256 marketId, uint256 epoch, uint256 amount) external nonReentrant {
        if (amount == 0) revert ZeroAmount();
        RaceTerms terms = _termsOfBook(marketId);
        uint256 key = _keyOf(marketId, epoch);
        _burnField(_fieldKey(key), terms, _assetOf(marketId), amount);
        emit Converted(marketId, epoch, msg.sender, false, amount);
        _mint(msg.sender, PositionId.idOf(key, Side.NO), amount);
    }

    /// @inheritdoc IRaceMarket
    function potOf(uint256 raceId, uint256 epoch, uint256 position) external view returns (uint256) {
        (, uint256 key) = _fieldOf(raceId, epoch, position);
        return _pots[key];
    }

    // ------------------------------------------------------------------ what the bases ask

    function _tradableKey(uint256 marketId, uint256 epoch) internal view override returns (uint256 key) {
        RaceTerms terms = _termsOfBook(marketId);
        key = _keyOf(marketId, epoch);
        _checkRunning(terms, epoch);
    }

    function _knownKey(uint256 marketId, uint256 epoch) internal view override returns (uint256) {
        _termsOfBook(marketId);
        return _keyOf(marketId, epoch);
    }

    function _addSets(uint256 key, uint256 amount) internal override {
        _pots[_fieldKey(key)] += amount;
    }

    function _removeSets(uint256 key, uint256 amount) internal override {
        _pots[_fieldKey(key)] -= amount;
    }

    function _termsWord(uint256 marketId) internal view override returns (uint256) {
        return RaceTerms.unwrap(_termsOfBook(marketId));
    }

    /// @dev Refuses epochs that cannot be, whose keys could be those of another book.
    function _payoutDown(uint256 terms, uint256 marketId, uint256 epoch, uint256 yesShares, uint256 noShares)
        internal
        view
        override
        returns (bool answered, uint256 payout)
    {
        (uint256 numerator, uint256 denominator) = _payout(RaceTerms.wrap(terms), marketId, epoch);
        if (denominator == 0) return (false, 0);
        return (true, (yesShares * numerator + noShares * (denominator - numerator)) / denominator);
    }

    function _domainNameAndVersion() internal pure override returns (string memory, string memory) {
        return ("chain-kit RaceMarket", "1");
    }

    // ------------------------------------------------------------------ fields

    /// @dev Mints the YES of each asset in a position but that of `except`, which can be none of them.
    function _mintField(uint256 fieldKey, RaceTerms terms, uint256 except, uint256 amount) private {
        uint256 first = PositionId.idOf(fieldKey, Side.YES);
        uint256 assets = terms.assets();
        for (uint256 i; i < assets; ++i) {
            if (i != except) _mint(msg.sender, first + (i << ID_ASSET_SHIFT), amount);
        }
    }

    /// @dev The reverse of `_mintField`.
    function _burnField(uint256 fieldKey, RaceTerms terms, uint256 except, uint256 amount) private {
        uint256 first = PositionId.idOf(fieldKey, Side.YES);
        uint256 assets = terms.assets();
        for (uint256 i; i < assets; ++i) {
            if (i != except) _burn(msg.sender, first + (i << ID_ASSET_SHIFT), amount);
        }
    }

    /// @dev The race's terms, and the key of the first book of one of its positions, by which the whole position is known.
    function _fieldOf(uint256 raceId, uint256 epoch, uint256 position)
        private
        view
        returns (RaceTerms terms, uint256 key)
    {
        terms = _termsOfRace(raceId);
        key = _keyOf(_bookOf(terms, raceId, position, 0), epoch);
    }

    function _checkRunning(RaceTerms terms, uint256 epoch) private view {
        uint256 endAt = EpochClock.endOf(terms.genesis(), epoch);
        if (block.timestamp >= endAt) revert EpochEnded(epoch, endAt);
    }

    /// @dev Epochs that cannot be have no key, so that no two share one.
    function _keyOf(uint256 marketId, uint256 epoch) private pure returns (uint256) {
        _checkEpoch(epoch);
        return PositionId.epochKey(marketId, epoch);
    }

    /// @dev The key of the first book of a book's position.
    function _fieldKey(uint256 key) private pure returns (uint256) {
        return key & ~(BYTE << KEY_ASSET_SHIFT);
    }
}
