// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IReportAdapter} from "./IReportAdapter.sol";

/// @title Signed-report adapter
/// @notice A report is valid if at least `threshold` of the fixed signers have signed it by EIP-712. One quorum signature
/// covers all prices of the report. The report is `abi.encode(uint256 chainId, BoundaryPrice[] prices, bytes signatures)`,
/// with 65-byte signatures (r, s, v) in ascending order of their signers' addresses.
/// @dev The signed type is `PriceReport(uint256 chainId,BoundaryPrice[] prices)BoundaryPrice(bytes32 feed,uint256
/// boundary,uint256 price)`; the domain is name `chain-kit SignedReportAdapter`, version `1`, chain id and this contract.
interface ISignedReportAdapter is IReportAdapter {
    error NoSigners();
    error TooManySigners(uint256 count, uint256 most);
    error ThresholdOutOfRange(uint256 threshold, uint256 signers);
    error ZeroSigner();
    error WrongChain(uint256 given, uint256 expected);
    error MalformedSignatures(uint256 length);
    error TooFewSignatures(uint256 given, uint256 threshold);
    error DuplicateSigner(address signer);
    error SignersNotAscending(address previous, address signer);
    error UnknownSigner(address signer);
    error NoFeeDue(uint256 value);

    /// @notice How many signers must have signed.
    function threshold() external view returns (uint256);

    function signers() external view returns (address[] memory);

    function isSigner(address account) external view returns (bool);
}
