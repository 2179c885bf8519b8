// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {HouseTerms} from "./IEpochHub.sol";
import {IMarketRules} from "./IMarketRules.sol";

/// @title Market factory
/// @notice Checks what a market shall be and makes its facade, on behalf of the one hub that made it.
interface IMarketFactory is IMarketRules {
    error NotHub(address caller, address hub);
    error LiquidityOutOfRange(uint256 liquidity, uint256 least, uint256 most);
    error ClosingLiquidityOutOfRange(uint256 closingLiquidityBps, uint256 least, uint256 most);
    error FeeTooHigh(uint256 feeBps, uint256 most);
    error FeeFalls(uint256 feeBps, uint256 closingFeeBps);

    /// @notice Makes a market's facade. The hub only.
    /// @return terms What never changes of the market, in one word.
    function create(uint256 marketId, bytes32 feed, string calldata symbol, uint256 genesis, HouseTerms calldata house)
        external
        returns (uint256 terms, address facade);

    /// @notice A market's feed and symbol.
    function infoOf(uint256 marketId) external view returns (bytes32 feed, string memory symbol);

    function hub() external view returns (address);

    /// @notice The code that every facade is a clone of.
    function implementation() external view returns (address);
}
