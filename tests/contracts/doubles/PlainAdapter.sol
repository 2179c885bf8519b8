// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BoundaryPrice} from "../../../contracts/interfaces/IBoundaryOracle.sol";
import {IReportAdapter} from "../../../contracts/interfaces/IReportAdapter.sol";

/// @title Plain adapter
/// @notice Takes every report for valid: `abi.encode(BoundaryPrice[])`.
contract PlainAdapter is IReportAdapter {
    /// @inheritdoc IReportAdapter
    function verify(bytes calldata report) external payable returns (BoundaryPrice[] memory) {
        return abi.decode(report, (BoundaryPrice[]));
    }
}
