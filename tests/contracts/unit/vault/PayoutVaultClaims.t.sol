// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IPayoutVault} from "../../../../contracts/interfaces/IPayoutVault.sol";
import {SmartWallet} from "../../doubles/SmartWallet.sol";
import {VaultFixture} from "../../support/VaultFixture.sol";

contract PayoutVaultClaimsTest is VaultFixture {
    address internal alice;
    uint256 internal aliceKey;
    address internal bob = makeAddr("bob");
    address internal carol = makeAddr("carol");
    address internal elsewhere = makeAddr("elsewhere");
    SmartWallet internal wallet;

    function setUp() public override {
        super.setUp();
        (alice, aliceKey) = makeAddrAndKey("alice");
        wallet = new SmartWallet();
        _owe(alice, 100e6);
        _owe(bob, 200e6);
        _owe(carol, 300e6);
        _owe(address(wallet), 50e6);
        _activate();
    }

    /// @notice A leaf is the double hash of chain, vault, account and total.
    function test_LeafOf() public view {
        assertEq(_leaf(block.chainid, address(vault), alice, 100e6), vault.leafOf(alice, 100e6));
    }

    /// @notice Anyone may push a proven claim; the account is paid.
    function test_Claim() public {
        vm.expectEmit(address(vault));
        emit IPayoutVault.Claimed(alice, alice, 100e6, 100e6);
        vm.prank(bob);
        assertEq(100e6, _claim(alice));
        assertEq(100e6, usdc.balanceOf(alice));
        assertEq(100e6, vault.claimed(alice));
        (,, uint256 claimedTotal) = vault.activeRoot();
        assertEq(100e6, claimedTotal);
        (uint256 reserve, uint256 liabilities,) = vault.reserveStatus();
        assertEq(RESERVE - 100e6, reserve);
        assertEq(550e6, liabilities);
    }

    /// @notice Every account of the tree is paid in full.
    function test_ClaimAll() public {
        for (uint256 i; i < accounts.length; ++i) {
            _claim(accounts[i]);
            assertEq(totals[i], usdc.balanceOf(accounts[i]));
        }
        (uint256 reserve, uint256 liabilities, uint256 coverage) = vault.reserveStatus();
        assertEq(RESERVE - 650e6, reserve);
        assertEq(0, liabilities);
        assertEq(type(uint256).max, coverage);
    }

    /// @notice A later root pays what its total adds.
    function test_ClaimTheDifference() public {
        _claim(alice);
        _owe(alice, 130e6);
        _activate();
        assertEq(30e6, _claim(alice));
        assertEq(200e6, _claim(bob));
        assertEq(130e6, usdc.balanceOf(alice));
    }

    /// @notice Claims under the active root go on while another one is pending.
    function test_ClaimWhileAnotherRootIsPending() public {
        bytes32[] memory proof = _proof(alice);
        _owe(alice, 130e6);
        _propose();
        assertEq(100e6, vault.claim(alice, 100e6, proof));
        vm.expectRevert(abi.encodeWithSelector(IPayoutVault.InvalidProof.selector, alice, 130e6));
        vault.claim(alice, 130e6, new bytes32[](2));
        vm.warp(block.timestamp + ROOT_DELAY);
        vault.activateRoot();
        assertEq(30e6, _claim(alice));
    }

    /// @notice A claim made before pays nothing again.
    function test_RevertWhen_ClaimedBefore() public {
        _claim(alice);
        vm.expectRevert(abi.encodeWithSelector(IPayoutVault.NothingToClaim.selector, alice, 100e6, 100e6));
        _claim(alice);
    }

    /// @notice A total below what was claimed pays nothing and takes nothing back.
    function test_RevertWhen_TotalFellBelowTheClaimed() public {
        _claim(alice);
        _owe(alice, 60e6);
        _owe(bob, 240e6);
        _activate();
        vm.expectRevert(abi.encodeWithSelector(IPayoutVault.NothingToClaim.selector, alice, 60e6, 100e6));
        _claim(alice);
    }

    /// @notice A proof is for its account and its total only.
    function test_RevertWhen_ProofIsOfAnother() public {
        bytes32[] memory proof = _proof(carol);
        vm.expectRevert(abi.encodeWithSelector(IPayoutVault.InvalidProof.selector, bob, 300e6));
        vault.claim(bob, 300e6, proof);
        vm.expectRevert(abi.encodeWithSelector(IPayoutVault.InvalidProof.selector, carol, 301e6));
        vault.claim(carol, 301e6, proof);
        proof[0] = ~proof[0];
        vm.expectRevert(abi.encodeWithSelector(IPayoutVault.InvalidProof.selector, carol, 300e6));
        vault.claim(carol, 300e6, proof);
    }

    /// @notice Before the first root nothing can be proven, not even with an empty proof.
    function test_RevertWhen_ThereIsNoRoot() public {
        vault = _deployVault(ROOT_DELAY, SURPLUS_DELAY);
        usdc.mint(address(vault), RESERVE);
        vm.expectRevert(abi.encodeWithSelector(IPayoutVault.InvalidProof.selector, alice, 1));
        vault.claim(alice, 1, new bytes32[](0));
    }

    /// @notice An account has itself paid elsewhere by its signature.
    function test_ClaimTo() public {
        bytes memory signature = _sign(elsewhere, 100e6, block.timestamp);
        vm.expectEmit(address(vault));
        emit IPayoutVault.Claimed(alice, elsewhere, 100e6, 100e6);
        vm.prank(bob);
        assertEq(100e6, vault.claimTo(alice, elsewhere, 100e6, _proof(alice), block.timestamp, signature));
        assertEq(100e6, usdc.balanceOf(elsewhere));
        assertEq(0, usdc.balanceOf(alice));
        assertEq(100e6, vault.claimed(alice));
    }

    /// @notice A wallet that is a contract says itself what it has signed.
    function test_ClaimToFromASmartWallet() public {
        wallet.approve(_claimToDigest(address(wallet), elsewhere, 50e6, NEVER));
        bytes32[] memory proof = _proof(address(wallet));
        assertEq(50e6, vault.claimTo(address(wallet), elsewhere, 50e6, proof, NEVER, "anything"));
        assertEq(50e6, usdc.balanceOf(elsewhere));
    }

    /// @notice A signature is refused after its expiry.
    function test_RevertWhen_SignatureHasExpired() public {
        uint256 expiry = vm.getBlockTimestamp();
        bytes memory signature = _sign(elsewhere, 100e6, expiry);
        bytes32[] memory proof = _proof(alice);
        vm.warp(expiry + 1);
        vm.expectRevert(abi.encodeWithSelector(IPayoutVault.SignatureExpired.selector, expiry, expiry + 1));
        vault.claimTo(alice, elsewhere, 100e6, proof, expiry, signature);
    }

    /// @notice A signature is for its recipient, its total and its expiry, and of the account itself.
    function test_RevertWhen_SignatureIsForSomethingElse() public {
        bytes memory signature = _sign(elsewhere, 100e6, NEVER);
        bytes32[] memory proof = _proof(alice);
        bytes memory expected = abi.encodeWithSelector(IPayoutVault.InvalidSignature.selector, alice);
        vm.expectRevert(expected);
        vault.claimTo(alice, bob, 100e6, proof, NEVER, signature);
        vm.expectRevert(expected);
        vault.claimTo(alice, elsewhere, 99e6, proof, NEVER, signature);
        vm.expectRevert(expected);
        vault.claimTo(alice, elsewhere, 100e6, proof, NEVER - 1, signature);
        vm.expectRevert(abi.encodeWithSelector(IPayoutVault.InvalidSignature.selector, bob));
        vault.claimTo(bob, elsewhere, 100e6, proof, NEVER, signature);
        vm.expectRevert(expected);
        vault.claimTo(alice, elsewhere, 100e6, proof, NEVER, "");
    }

    /// @notice A wallet that does not know the signature refuses it.
    function test_RevertWhen_TheSmartWalletRefuses() public {
        bytes32[] memory proof = _proof(address(wallet));
        vm.expectRevert(abi.encodeWithSelector(IPayoutVault.InvalidSignature.selector, address(wallet)));
        vault.claimTo(address(wallet), elsewhere, 50e6, proof, NEVER, "anything");
    }

    /// @notice Nothing is paid to the zero address.
    function test_RevertWhen_RecipientIsZero() public {
        bytes memory signature = _sign(address(0), 100e6, NEVER);
        bytes32[] memory proof = _proof(alice);
        vm.expectRevert(IPayoutVault.ZeroAddress.selector);
        vault.claimTo(alice, address(0), 100e6, proof, NEVER, signature);
    }

    /// @notice A signature proves who is to be paid, not what: that takes the proof.
    function test_RevertWhen_SignedTotalIsNotInTheTree() public {
        bytes memory signature = _sign(elsewhere, 500e6, NEVER);
        bytes32[] memory proof = _proof(alice);
        vm.expectRevert(abi.encodeWithSelector(IPayoutVault.InvalidProof.selector, alice, 500e6));
        vault.claimTo(alice, elsewhere, 500e6, proof, NEVER, signature);
    }

    uint256 private constant NEVER = type(uint256).max;

    function _sign(address recipient, uint256 total, uint256 expiry) private view returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(aliceKey, _claimToDigest(alice, recipient, total, expiry));
        return abi.encodePacked(r, s, v);
    }
}
