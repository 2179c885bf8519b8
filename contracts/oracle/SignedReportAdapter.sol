// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ECDSA} from "solady/utils/ECDSA.sol";
import {EIP712} from "solady/utils/EIP712.sol";
import {EfficientHashLib} from "solady/utils/EfficientHashLib.sol";
import {LibBytes} from "solady/utils/LibBytes.sol";

import {BoundaryPrice} from "../interfaces/IBoundaryOracle.sol";
import {IReportAdapter} from "../interfaces/IReportAdapter.sol";
import {ISignedReportAdapter} from "../interfaces/ISignedReportAdapter.sol";

/// @title Signed-report adapter
// slither-disable-next-line locked-ether -- verify refuses it: none can be locked
contract SignedReportAdapter is ISignedReportAdapter, EIP712 {
    bytes32 private constant PRICE_TYPEHASH = keccak256("BoundaryPrice(bytes32 feed,uint256 boundary,uint256 price)");
    bytes32 private constant REPORT_TYPEHASH = keccak256(
        "PriceReport(uint256 chainId,BoundaryPrice[] prices)BoundaryPrice(bytes32 feed,uint256 boundary,uint256 price)"
    );
    uint256 private constant SIGNATURE_LENGTH = 65;
    uint256 private constant SIGNERS_MAX = 32;

    /// @inheritdoc ISignedReportAdapter
    uint256 public immutable threshold;

    address[] private _signers;
    mapping(address account => bool) public isSigner;

    constructor(address[] memory signers_, uint256 threshold_) {
        uint256 count = signers_.length;
        if (count == 0) revert NoSigners();
        if (count > SIGNERS_MAX) revert TooManySigners(count, SIGNERS_MAX);
        if (threshold_ == 0 || threshold_ > count) revert ThresholdOutOfRange(threshold_, count);
        for (uint256 i; i < count; ++i) {
            address signer = signers_[i];
            if (signer == address(0)) revert ZeroSigner();
            if (isSigner[signer]) revert DuplicateSigner(signer);
            isSigner[signer] = true;
        }
        _signers = signers_;
        threshold = threshold_;
    }

    /// @inheritdoc IReportAdapter
    /// @dev Nobody is charged; ether sent along would be stuck, so it is refused.
    function verify(bytes calldata report) external payable returns (BoundaryPrice[] memory prices) {
        if (msg.value != 0) revert NoFeeDue(msg.value);
        uint256 chainId;
        bytes memory signatures;
        (chainId, prices, signatures) = abi.decode(report, (uint256, BoundaryPrice[], bytes));
        if (chainId != block.chainid) revert WrongChain(chainId, block.chainid);
        _checkQuorum(_hashTypedData(_hashReport(chainId, prices)), signatures);
    }

    /// @inheritdoc ISignedReportAdapter
    function signers() external view returns (address[] memory) {
        return _signers;
    }

    /// @dev Ascending order makes a signature count once.
    function _checkQuorum(bytes32 digest, bytes memory signatures) private view {
        if (signatures.length % SIGNATURE_LENGTH != 0) revert MalformedSignatures(signatures.length);
        uint256 given = signatures.length / SIGNATURE_LENGTH;
        if (given < threshold) revert TooFewSignatures(given, threshold);
        address previous = address(0);
        for (uint256 i; i < given; ++i) {
            address signer =
                ECDSA.tryRecover(digest, LibBytes.slice(signatures, i * SIGNATURE_LENGTH, (i + 1) * SIGNATURE_LENGTH));
            if (!isSigner[signer]) revert UnknownSigner(signer);
            if (signer == previous) revert DuplicateSigner(signer);
            if (signer < previous) revert SignersNotAscending(previous, signer);
            previous = signer;
        }
    }

    function _hashReport(uint256 chainId, BoundaryPrice[] memory prices) private pure returns (bytes32) {
        bytes32[] memory hashes = new bytes32[](prices.length);
        for (uint256 i; i < prices.length; ++i) {
            BoundaryPrice memory given = prices[i];
            hashes[i] = EfficientHashLib.hash(PRICE_TYPEHASH, given.feed, bytes32(given.boundary), bytes32(given.price));
        }
        return keccak256(abi.encode(REPORT_TYPEHASH, chainId, EfficientHashLib.hash(hashes)));
    }

    function _domainNameAndVersion() internal pure override returns (string memory, string memory) {
        return ("chain-kit SignedReportAdapter", "1");
    }
}
