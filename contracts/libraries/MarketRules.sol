// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {LibString} from "solady/utils/LibString.sol";

import {IMarketRules} from "../interfaces/IMarketRules.sol";
import {EpochClock} from "./EpochClock.sol";

/// @title Market rules
/// @notice What is asked of every market before it is created.
library MarketRules {
    uint256 internal constant SYMBOL_LENGTH_MAX = 31;
    /// Letters, digits and - . / _: anyone names markets, and every program must be able to read and print the name.
    uint128 internal constant SYMBOL_CHARACTERS =
        LibString.ALPHANUMERIC_7_BIT_ASCII | uint128((1 << 0x2d) | (1 << 0x2e) | (1 << 0x2f) | (1 << 0x5f));
    uint256 internal constant GENESIS_AHEAD_MAX = 366 days;
    uint256 internal constant DECIMALS_MAX = 18;

    function checkSymbol(string calldata symbol) internal pure {
        uint256 length = bytes(symbol).length;
        if (length == 0 || length > SYMBOL_LENGTH_MAX) revert IMarketRules.SymbolLength(length, SYMBOL_LENGTH_MAX);
        if (!LibString.is7BitASCII(symbol, SYMBOL_CHARACTERS)) revert IMarketRules.SymbolCharacters(symbol);
    }

    /// @notice A genesis is a boundary, from the start of the running epoch to a year ahead.
    function checkGenesis(uint256 genesis) internal view {
        if (genesis % EpochClock.EPOCH != 0) revert IMarketRules.GenesisOffGrid(genesis, EpochClock.EPOCH);
        // slither-disable-next-line weak-prng -- the start of the running epoch, nothing random
        uint256 earliest = block.timestamp - block.timestamp % EpochClock.EPOCH;
        uint256 latest = block.timestamp + GENESIS_AHEAD_MAX;
        if (genesis < earliest || genesis > latest) {
            revert IMarketRules.GenesisOutOfRange(genesis, earliest, latest);
        }
    }

    /// @notice The decimals of a collateral token, 18 at most.
    function checkedDecimals(address token) internal view returns (uint256 decimals) {
        decimals = IERC20Metadata(token).decimals();
        if (decimals > DECIMALS_MAX) revert IMarketRules.TooManyDecimals(decimals, DECIMALS_MAX);
    }
}
