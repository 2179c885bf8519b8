// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Multicall} from "@openzeppelin/contracts/utils/Multicall.sol";

import {HouseMaker} from "./HouseMaker.sol";
import {MarketBook} from "./MarketBook.sol";

/// @title Epoch hub
/// @notice Binary markets in epochs of five minutes: complete sets, signed orders and the house, over one collateral
/// ledger. `split`, `merge`, `redeem` and `withdraw` work whatever the oracle's reporters, the owner, the guardian or the
/// operators do.
contract EpochHub is HouseMaker, Multicall {
    /// @param owner_ Names the guardian and the operators that settle orders, and nothing else.
    /// @param collateralToken_ An ERC-20 of at most 18 decimals that delivers what it is told to.
    constructor(address owner_, address collateralToken_, address oracle_, address guardian_)
        MarketBook(owner_, collateralToken_, oracle_, guardian_)
    {}

    function _domainNameAndVersion() internal pure override returns (string memory, string memory) {
        return ("chain-kit EpochHub", "1");
    }
}
