// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Deployer} from "./Deployer.sol";
import {IToken, IVault} from "./Kit.sol";
import {MerkleTree} from "./MerkleTree.sol";

/// @title Vault fixture
/// @notice A payout vault of USDC with 1000 in it, and trees of totals for it.
abstract contract VaultFixture is Deployer {
    using MerkleTree for bytes32[];

    uint256 internal constant START = 1_800_000_000;
    uint256 internal constant ROOT_DELAY = 1 hours;
    uint256 internal constant SURPLUS_DELAY = 2 days;
    uint256 internal constant RESERVE = 1000e6;
    bytes32 private constant DOMAIN_TYPEHASH =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
    bytes32 private constant CLAIM_TO_TYPEHASH =
        keccak256("ClaimTo(address account,address recipient,uint256 cumulativeTotal,uint256 expiry)");

    address internal owner = makeAddr("owner");
    address internal operator = makeAddr("operator");
    address internal guardian = makeAddr("guardian");
    IToken internal usdc;
    IVault internal vault;

    /// A tree: who has which total.
    address[] internal accounts;
    uint256[] internal totals;

    function setUp() public virtual {
        vm.warp(START);
        usdc = IToken(deploy("TestToken.sol:TestToken", abi.encode("USD Coin", "USDC", uint8(6), address(this))));
        vault = _deployVault(ROOT_DELAY, SURPLUS_DELAY);
        usdc.mint(address(vault), RESERVE);
    }

    function _deployVault(uint256 rootDelay, uint256 surplusDelay) internal returns (IVault) {
        return IVault(
            this.deploy(
                "PayoutVault.sol:PayoutVault", abi.encode(owner, usdc, operator, guardian, rootDelay, surplusDelay)
            )
        );
    }

    /// @dev Sets the total of an account in the tree to come.
    function _owe(address account, uint256 total) internal {
        for (uint256 i; i < accounts.length; ++i) {
            if (accounts[i] == account) {
                totals[i] = total;
                return;
            }
        }
        accounts.push(account);
        totals.push(total);
    }

    function _root() internal view returns (bytes32) {
        return _leaves().rootOf();
    }

    function _sum() internal view returns (uint256 sum) {
        for (uint256 i; i < totals.length; ++i) {
            sum += totals[i];
        }
    }

    function _proof(address account) internal view returns (bytes32[] memory) {
        uint256 index;
        while (accounts[index] != account) {
            ++index;
        }
        return _leaves().proofOf(index);
    }

    function _propose() internal {
        vm.prank(operator);
        vault.proposeRoot(_root(), _sum(), "ipfs://tree");
    }

    /// @dev Proposes the tree and makes it the active one.
    function _activate() internal {
        _propose();
        vm.warp(block.timestamp + vault.rootDelay());
        vault.activateRoot();
    }

    function _claim(address account) internal returns (uint256) {
        return vault.claim(account, _totalOf(account), _proof(account));
    }

    function _totalOf(address account) internal view returns (uint256 total) {
        for (uint256 i; i < accounts.length; ++i) {
            if (accounts[i] == account) total = totals[i];
        }
    }

    /// @dev The digest that an account signs to be paid elsewhere, written from the published types.
    function _claimToDigest(address account, address recipient, uint256 cumulativeTotal, uint256 expiry)
        internal
        view
        returns (bytes32)
    {
        bytes32 domain = keccak256(
            abi.encode(
                DOMAIN_TYPEHASH, keccak256("chain-kit PayoutVault"), keccak256("1"), block.chainid, address(vault)
            )
        );
        bytes32 content = keccak256(abi.encode(CLAIM_TO_TYPEHASH, account, recipient, cumulativeTotal, expiry));
        return keccak256(abi.encodePacked(hex"1901", domain, content));
    }

    /// @dev Leaves as the design states them, not as the vault computes them.
    function _leaf(uint256 chainId, address vault_, address account, uint256 total) internal pure returns (bytes32) {
        return keccak256(bytes.concat(keccak256(abi.encode(chainId, vault_, account, total))));
    }

    function _leaves() private view returns (bytes32[] memory leaves) {
        leaves = new bytes32[](accounts.length);
        for (uint256 i; i < accounts.length; ++i) {
            leaves[i] = _leaf(block.chainid, address(vault), accounts[i], totals[i]);
        }
    }
}
