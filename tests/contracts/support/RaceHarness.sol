// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {RaceStatus} from "../../../contracts/interfaces/IRaceMarket.sol";
import {MarketRules} from "../../../contracts/libraries/MarketRules.sol";
import {RaceResult, RaceResultLib} from "../../../contracts/libraries/RaceResult.sol";
import {RaceTerms, RaceTermsLib} from "../../../contracts/libraries/RaceTerms.sol";

/// @title Race harness
/// @notice The functions of the race's libraries as calls.
contract RaceHarness {
    function checkSymbol(string calldata symbol) external pure {
        MarketRules.checkSymbol(symbol);
    }

    function checkGenesis(uint256 genesis) external view {
        MarketRules.checkGenesis(genesis);
    }

    function checkedDecimals(address token) external view returns (uint256) {
        return MarketRules.checkedDecimals(token);
    }

    function voided(uint256 assets) external pure returns (uint256) {
        return RaceResult.unwrap(RaceResultLib.voided(assets));
    }

    function finished(uint256[] calldata runs) external pure returns (uint256) {
        return RaceResult.unwrap(RaceResultLib.finished(runs));
    }

    function placeOf(uint256[] calldata runs, uint256 asset) external pure returns (uint256 better, uint256 tied) {
        return RaceResultLib.placeOf(runs, asset);
    }

    function statusOf(uint256 result) external pure returns (RaceStatus) {
        return RaceResult.wrap(result).status();
    }

    function placeAt(uint256 result, uint256 asset) external pure returns (uint256 better, uint256 tied) {
        return RaceResult.wrap(result).placeAt(asset);
    }

    function partOf(uint256 better, uint256 tied, uint256 position)
        external
        pure
        returns (uint256 numerator, uint256 denominator)
    {
        return RaceResultLib.partOf(better, tied, position);
    }

    function pack(uint256 genesis, uint256 positions, uint256[] calldata feeds)
        external
        pure
        returns (uint256 terms, uint256 laterFeeds)
    {
        RaceTerms packed;
        (packed, laterFeeds) = RaceTermsLib.pack(genesis, positions, feeds);
        terms = RaceTerms.unwrap(packed);
    }

    function unpack(uint256 terms) external pure returns (uint256 genesis, uint256 assets, uint256 positions) {
        RaceTerms packed = RaceTerms.wrap(terms);
        return (packed.genesis(), packed.assets(), packed.positions());
    }

    function feedAt(uint256 terms, uint256 laterFeeds, uint256 asset) external pure returns (uint256) {
        return RaceTerms.wrap(terms).feedAt(laterFeeds, asset);
    }
}
