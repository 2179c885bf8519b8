// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BoundaryPrice} from "../../../contracts/interfaces/IBoundaryOracle.sol";
import {Deployer} from "./Deployer.sol";

/// @title Report signing
/// @notice What a reporter does: hashes a price report by EIP-712, signs it and encodes it. Written from the published
/// types, not from the adapter.
abstract contract ReportSigning is Deployer {
    bytes32 private constant DOMAIN_TYPEHASH =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
    bytes32 private constant PRICE_TYPEHASH = keccak256("BoundaryPrice(bytes32 feed,uint256 boundary,uint256 price)");
    bytes32 private constant REPORT_TYPEHASH = keccak256(
        "PriceReport(uint256 chainId,BoundaryPrice[] prices)BoundaryPrice(bytes32 feed,uint256 boundary,uint256 price)"
    );

    /// @dev `count` private keys in ascending order of their addresses.
    function _signerKeys(uint256 count) internal pure returns (uint256[] memory keys) {
        keys = new uint256[](count);
        for (uint256 i; i < count; ++i) {
            uint256 key = uint256(keccak256(abi.encode("signer", i)));
            uint256 place = i;
            for (; place != 0 && vm.addr(keys[place - 1]) > vm.addr(key); --place) {
                keys[place] = keys[place - 1];
            }
            keys[place] = key;
        }
    }

    function _addressesOf(uint256[] memory keys) internal pure returns (address[] memory accounts) {
        accounts = new address[](keys.length);
        for (uint256 i; i < keys.length; ++i) {
            accounts[i] = vm.addr(keys[i]);
        }
    }

    /// @dev A report of `prices` for `adapter` on this chain, signed with `keys` in the order given.
    function _signedReport(address adapter, BoundaryPrice[] memory prices, uint256[] memory keys)
        internal
        view
        returns (bytes memory)
    {
        bytes32 digest = _digest(block.chainid, adapter, prices);
        return abi.encode(block.chainid, prices, _signatures(digest, keys));
    }

    function _signatures(bytes32 digest, uint256[] memory keys) internal pure returns (bytes memory signatures) {
        for (uint256 i; i < keys.length; ++i) {
            (uint8 v, bytes32 r, bytes32 s) = vm.sign(keys[i], digest);
            signatures = bytes.concat(signatures, r, s, bytes1(v));
        }
    }

    function _digest(uint256 chainId, address adapter, BoundaryPrice[] memory prices) internal pure returns (bytes32) {
        bytes memory hashes;
        for (uint256 i; i < prices.length; ++i) {
            hashes = bytes.concat(
                hashes, keccak256(abi.encode(PRICE_TYPEHASH, prices[i].feed, prices[i].boundary, prices[i].price))
            );
        }
        bytes32 domain = keccak256(
            abi.encode(DOMAIN_TYPEHASH, keccak256("chain-kit SignedReportAdapter"), keccak256("1"), chainId, adapter)
        );
        return keccak256(
            abi.encodePacked(hex"1901", domain, keccak256(abi.encode(REPORT_TYPEHASH, chainId, keccak256(hashes))))
        );
    }

    function _price(bytes32 feed, uint256 boundary, uint256 price)
        internal
        pure
        returns (BoundaryPrice[] memory prices)
    {
        prices = new BoundaryPrice[](1);
        prices[0] = BoundaryPrice({feed: feed, boundary: boundary, price: price});
    }

    /// @dev The keys numbered `first` and `second`, in that order.
    function _pick(uint256[] memory keys, uint256 first, uint256 second)
        internal
        pure
        returns (uint256[] memory picked)
    {
        picked = new uint256[](2);
        (picked[0], picked[1]) = (keys[first], keys[second]);
    }
}
