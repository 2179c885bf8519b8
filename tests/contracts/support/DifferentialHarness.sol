// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BoundaryPrice} from "../../../contracts/interfaces/IBoundaryOracle.sol";
import {IPayoutVault} from "../../../contracts/interfaces/IPayoutVault.sol";
import {ISignedReportAdapter} from "../../../contracts/interfaces/ISignedReportAdapter.sol";
import {LmsrMath} from "../../../contracts/libraries/LmsrMath.sol";

/// @title Differential harness
/// @notice Hundreds of cases in one call, for tests that compare the contracts with programs in another language.
contract DifferentialHarness {
    /// @notice A claim as `PayoutVault.claim` takes it.
    struct Claim {
        address account;
        uint256 total;
        bytes32[] proof;
    }

    /// @notice What an account signs to be paid elsewhere, and the digest that it should have.
    struct ClaimTo {
        address account;
        address recipient;
        uint256 total;
        uint256 expiry;
        bytes32 digest;
    }

    /// @notice Prices of a report, and the digest that it should have.
    struct Report {
        BoundaryPrice[] prices;
        bytes32 digest;
    }

    /// The generator's first coordinate: with it every digest but a few recovers to some account.
    bytes32 private constant R = 0x79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798;
    bytes32 private constant S = bytes32(uint256(1));

    // Cases of the scoring rule are (b, own, other, amount or shares).

    function openingSharesUp(uint256[4][] calldata cases) external pure returns (uint256[] memory results) {
        results = new uint256[](cases.length);
        for (uint256 i; i < cases.length; ++i) {
            results[i] = LmsrMath.openingSharesUp(cases[i][0]);
        }
    }

    function sharesDown(uint256[4][] calldata cases) external pure returns (uint256[] memory results) {
        results = new uint256[](cases.length);
        for (uint256 i; i < cases.length; ++i) {
            results[i] = LmsrMath.sharesDown(cases[i][0], cases[i][1], cases[i][2], cases[i][3]);
        }
    }

    function amountDown(uint256[4][] calldata cases) external pure returns (uint256[] memory results) {
        results = new uint256[](cases.length);
        for (uint256 i; i < cases.length; ++i) {
            results[i] = LmsrMath.amountDown(cases[i][0], cases[i][1], cases[i][2], cases[i][3]);
        }
    }

    function price(uint256[4][] calldata cases) external pure returns (uint256[] memory results) {
        results = new uint256[](cases.length);
        for (uint256 i; i < cases.length; ++i) {
            results[i] = LmsrMath.price(cases[i][0], cases[i][1], cases[i][2]);
        }
    }

    function leaves(IPayoutVault vault, address[] calldata accounts, uint256[] calldata totals)
        external
        view
        returns (bytes32[] memory results)
    {
        results = new bytes32[](accounts.length);
        for (uint256 i; i < accounts.length; ++i) {
            results[i] = vault.leafOf(accounts[i], totals[i]);
        }
    }

    /// @notice What each claim pays, one after another; the largest uint256 for one that is refused.
    function claim(IPayoutVault vault, Claim[] calldata claims) external returns (uint256[] memory results) {
        results = new uint256[](claims.length);
        for (uint256 i; i < claims.length; ++i) {
            try vault.claim(claims[i].account, claims[i].total, claims[i].proof) returns (uint256 paid) {
                results[i] = paid;
            } catch {
                results[i] = type(uint256).max;
            }
        }
    }

    /// @notice Whether the vault hashes each message as stated. Every account must be a `DigestWallet`; it accepts the
    /// stated digest only, and then there is no proof, which the vault says only of what is signed.
    function claimToDigests(IPayoutVault vault, ClaimTo[] calldata messages) external returns (bool[] memory results) {
        results = new bool[](messages.length);
        for (uint256 i; i < messages.length; ++i) {
            ClaimTo calldata given = messages[i];
            bytes memory signature = abi.encode(given.digest);
            try vault.claimTo(
                given.account, given.recipient, given.total, new bytes32[](0), given.expiry, signature
            ) returns (
                uint256
            ) {}
            catch (bytes memory reason) {
                results[i] = bytes4(reason) == IPayoutVault.InvalidProof.selector;
            }
        }
    }

    /// @notice Whether the adapter hashes each report as stated: one and the same signature, which is no signer's, must
    /// recover to the same account for both.
    function reportDigests(ISignedReportAdapter adapter, Report[] calldata reports)
        external
        returns (bool[] memory results)
    {
        bytes memory signatures;
        for (uint256 i = adapter.threshold(); i != 0; --i) {
            signatures = bytes.concat(signatures, R, S, bytes1(uint8(27)));
        }
        results = new bool[](reports.length);
        for (uint256 i; i < reports.length; ++i) {
            address expected = ecrecover(reports[i].digest, 27, R, S);
            try adapter.verify(abi.encode(block.chainid, reports[i].prices, signatures)) {}
            catch (bytes memory reason) {
                bytes memory wanted = abi.encodeWithSelector(ISignedReportAdapter.UnknownSigner.selector, expected);
                results[i] = expected != address(0) && keccak256(reason) == keccak256(wanted);
            }
        }
    }
}

/// @title Digest wallet
/// @notice An ERC-1271 wallet whose signature of a digest is the digest.
contract DigestWallet {
    function isValidSignature(bytes32 digest, bytes calldata signature) external pure returns (bytes4) {
        return bytes32(signature) == digest ? this.isValidSignature.selector : bytes4(0);
    }
}
