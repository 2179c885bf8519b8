// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BoundaryPrice} from "./IBoundaryOracle.sol";

/// @title Report adapter
/// @notice Decides what a valid price report is.
interface IReportAdapter {
    /// @notice Returns the prices that `report` proves, or reverts.
    /// @dev Payable because some sources charge for verification.
    function verify(bytes calldata report) external payable returns (BoundaryPrice[] memory prices);
}
