// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {LmsrMath} from "../../../contracts/libraries/LmsrMath.sol";

/// @title LMSR harness
/// @notice The library's functions as calls.
contract LmsrHarness {
    function openingSharesUp(uint256 b) external pure returns (uint256) {
        return LmsrMath.openingSharesUp(b);
    }

    function sharesDown(uint256 b, uint256 own, uint256 other, uint256 amount) external pure returns (uint256) {
        return LmsrMath.sharesDown(b, own, other, amount);
    }

    function amountDown(uint256 b, uint256 own, uint256 other, uint256 shares) external pure returns (uint256) {
        return LmsrMath.amountDown(b, own, other, shares);
    }

    function price(uint256 b, uint256 own, uint256 other) external pure returns (uint256) {
        return LmsrMath.price(b, own, other);
    }
}
