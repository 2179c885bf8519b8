// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";

import {Order} from "../../../contracts/interfaces/IOrderBook.sol";

/// @title Order signing
/// @notice What a trader's wallet does: hashes an order by EIP-712 and signs it. Written from the published type, not from
/// the contract.
abstract contract OrderSigning is Test {
    bytes32 private constant DOMAIN_TYPEHASH =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
    string private constant ORDER_TYPE = "Order(address maker,uint256 marketId,uint256 epoch,uint8 side,bool isBuy,"
        "uint256 price,uint256 size,uint256 feeBpsMax,uint256 expiry,uint256 nonce,uint256 salt)";

    mapping(address account => uint256) private _keys;

    /// @dev An account that can sign.
    function _signer(string memory name) internal returns (address account) {
        uint256 key;
        (account, key) = makeAddrAndKey(name);
        _keys[account] = key;
    }

    /// @dev 65 bytes: r, s, v.
    function _sign(address account, bytes32 digest) internal view returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(_keys[account], digest);
        return abi.encodePacked(r, s, v);
    }

    /// @dev The same in 64 bytes (EIP-2098): the highest bit of s says which v it was.
    function _signShort(address account, bytes32 digest) internal view returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(_keys[account], digest);
        return abi.encodePacked(r, bytes32(uint256(s) | (uint256(v - 27) << 255)));
    }

    function _digest(string memory name, uint256 chainId, address book, Order memory order)
        internal
        pure
        returns (bytes32)
    {
        bytes32 domain = keccak256(abi.encode(DOMAIN_TYPEHASH, keccak256(bytes(name)), keccak256("1"), chainId, book));
        return keccak256(bytes.concat(hex"1901", domain, _structHash(order)));
    }

    function _structHash(Order memory order) private pure returns (bytes32) {
        bytes memory head = abi.encode(
            keccak256(bytes(ORDER_TYPE)), order.maker, order.marketId, order.epoch, uint8(order.side), order.isBuy
        );
        bytes memory tail = abi.encode(order.price, order.size, order.feeBpsMax, order.expiry, order.nonce, order.salt);
        return keccak256(bytes.concat(head, tail));
    }
}
