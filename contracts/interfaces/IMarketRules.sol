// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Market rules
/// @notice What every market must be made of: a symbol that any program can read and print, a genesis on the grid of the
/// boundaries and near enough, registered feeds, and a collateral token of at most 18 decimals.
interface IMarketRules {
    error UnknownFeed(bytes32 feed);
    error GenesisOffGrid(uint256 genesis, uint256 grid);
    error GenesisOutOfRange(uint256 genesis, uint256 earliest, uint256 latest);
    error SymbolLength(uint256 length, uint256 most);
    error SymbolCharacters(string symbol);
    error TooManyDecimals(uint256 decimals, uint256 most);
}
