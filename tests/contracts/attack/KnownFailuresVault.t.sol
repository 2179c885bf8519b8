// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IPayoutVault} from "../../../contracts/interfaces/IPayoutVault.sol";
import {IVault} from "../support/Kit.sol";
import {VaultFixture} from "../support/VaultFixture.sol";

/// @notice How the payout vaults of other systems have failed, tried on ours.
contract KnownFailuresVaultTest is VaultFixture {
    uint256 private constant NEVER = type(uint256).max;

    address internal alice;
    uint256 internal aliceKey;
    address internal bob = makeAddr("bob");
    address internal mallory = makeAddr("mallory");

    function setUp() public override {
        super.setUp();
        (alice, aliceKey) = makeAddrAndKey("alice");
        _owe(alice, 100e6);
        _owe(bob, 200e6);
        _activate();
    }

    /// @notice A claim made again pays nothing, under the same root and under the next.
    function test_ReplayedClaimPaysNothing() public {
        bytes32[] memory proof = _proof(alice);
        vault.claim(alice, 100e6, proof);
        bytes memory expected = abi.encodeWithSelector(IPayoutVault.NothingToClaim.selector, alice, 100e6, 100e6);
        vm.expectRevert(expected);
        vault.claim(alice, 100e6, proof);
        _owe(bob, 250e6);
        _activate();
        proof = _proof(alice);
        vm.expectRevert(expected);
        vault.claim(alice, 100e6, proof);
        assertEq(100e6, usdc.balanceOf(alice));
    }

    /// @notice A signed claim made again pays nothing, and does not serve for a later total.
    function test_ReplayedSignatureMovesNothing() public {
        bytes memory signature = _sign(100e6);
        vault.claimTo(alice, mallory, 100e6, _proof(alice), NEVER, signature);
        bytes32[] memory proof = _proof(alice);
        vm.expectRevert(abi.encodeWithSelector(IPayoutVault.NothingToClaim.selector, alice, 100e6, 100e6));
        vault.claimTo(alice, mallory, 100e6, proof, NEVER, signature);
        _owe(alice, 150e6);
        _activate();
        proof = _proof(alice);
        vm.expectRevert(abi.encodeWithSelector(IPayoutVault.InvalidSignature.selector, alice));
        vault.claimTo(alice, mallory, 150e6, proof, NEVER, signature);
        vm.expectRevert(abi.encodeWithSelector(IPayoutVault.InvalidProof.selector, alice, 100e6));
        vault.claimTo(alice, mallory, 100e6, proof, NEVER, signature);
        assertEq(100e6, usdc.balanceOf(mallory));
    }

    /// @notice A proof of another account pays neither that account's total nor its own.
    function test_ProofOfAnotherAccountPaysNothing() public {
        bytes32[] memory proof = _proof(bob);
        vm.startPrank(mallory);
        vm.expectRevert(abi.encodeWithSelector(IPayoutVault.InvalidProof.selector, mallory, 200e6));
        vault.claim(mallory, 200e6, proof);
        vm.expectRevert(abi.encodeWithSelector(IPayoutVault.InvalidProof.selector, alice, 200e6));
        vault.claim(alice, 200e6, proof);
    }

    /// @notice A leaf of one chain proves nothing on another, where the same vault has the same address and root.
    function test_SameLeafOnAnotherChainPaysNothing() public {
        bytes32[] memory proof = _proof(alice);
        bytes memory signature = _sign(100e6);
        vm.chainId(84532);
        vm.expectRevert(abi.encodeWithSelector(IPayoutVault.InvalidProof.selector, alice, 100e6));
        vault.claim(alice, 100e6, proof);
        vm.expectRevert(abi.encodeWithSelector(IPayoutVault.InvalidSignature.selector, alice));
        vault.claimTo(alice, mallory, 100e6, proof, NEVER, signature);
    }

    /// @notice A leaf of one vault proves nothing at another one, be it with the same root.
    function test_SameLeafAtAnotherVaultPaysNothing() public {
        bytes32[] memory proof = _proof(alice);
        bytes32 root = _root();
        IVault second = _deployVault(ROOT_DELAY, SURPLUS_DELAY);
        usdc.mint(address(second), RESERVE);
        vm.prank(operator);
        second.proposeRoot(root, 300e6, "");
        vm.warp(block.timestamp + ROOT_DELAY);
        second.activateRoot();
        vm.expectRevert(abi.encodeWithSelector(IPayoutVault.InvalidProof.selector, alice, 100e6));
        second.claim(alice, 100e6, proof);
        assertEq(RESERVE, usdc.balanceOf(address(second)));
    }

    /// @notice A tree whose leaves add up to more than it says pays what it says, and nothing of what is beyond.
    function test_TreeDoesNotDrainBeyondItsTotal() public {
        _owe(mallory, 700e6);
        vm.prank(operator);
        vault.proposeRoot(_root(), 400e6, "leaves for 1000");
        vm.warp(block.timestamp + ROOT_DELAY);
        vault.activateRoot();
        bytes32[] memory proof = _proof(mallory);
        vm.expectRevert(abi.encodeWithSelector(IPayoutVault.RootExhausted.selector, 700e6, 400e6));
        vault.claim(mallory, 700e6, proof);
        _claim(alice);
        _claim(bob);
        assertEq(RESERVE - 300e6, usdc.balanceOf(address(vault)));
    }

    /// @notice What a former tree has paid is not paid again by the next: totals go on, they do not start anew.
    function test_TreeDoesNotDrainAnotherTree() public {
        _claim(alice);
        _claim(bob);
        // The careless operator lists the same leaves again, under a total that is only what is new.
        _owe(mallory, 50e6);
        _activate();
        vm.expectRevert(abi.encodeWithSelector(IPayoutVault.NothingToClaim.selector, alice, 100e6, 100e6));
        _claim(alice);
        assertEq(50e6, _claim(mallory));
        (, uint256 total, uint256 claimedTotal) = vault.activeRoot();
        assertEq(total, claimedTotal);
        assertEq(RESERVE - 350e6, usdc.balanceOf(address(vault)));
    }

    /// @notice A tree of one vault cannot reach what another vault of the same operator holds.
    function test_TreeDoesNotDrainAnotherVault() public {
        IVault second = _deployVault(ROOT_DELAY, SURPLUS_DELAY);
        usdc.mint(address(second), 10e6);
        vm.startPrank(operator);
        vm.expectRevert(abi.encodeWithSelector(IPayoutVault.RootNotCovered.selector, 11e6, 10e6));
        second.proposeRoot("root", 11e6, "");
        vm.stopPrank();
        assertEq(RESERVE, usdc.balanceOf(address(vault)));
    }

    /// @notice Gifts are surplus and nothing else: they change no total and no claim.
    function test_DonationDoesNotBreakAccounting() public {
        usdc.mint(address(vault), 500e6);
        (uint256 reserve, uint256 liabilities,) = vault.reserveStatus();
        assertEq(RESERVE + 500e6, reserve);
        assertEq(300e6, liabilities);
        assertEq(100e6, _claim(alice));
        assertEq(200e6, _claim(bob));
    }

    /// @notice The owner gets surplus, after the timelock; of what is owed it gets nothing, whatever it announces when.
    function test_OwnerCannotRug() public {
        vm.startPrank(owner);
        vault.requestSurplus(owner, RESERVE - 300e6);
        vm.warp(block.timestamp + SURPLUS_DELAY);
        vault.withdrawSurplus();
        vm.expectRevert(abi.encodeWithSelector(IPayoutVault.SurplusTooSmall.selector, 1, 0));
        vault.requestSurplus(owner, 1);
        vault.renounceOwnership();
        vm.stopPrank();
        assertEq(100e6, _claim(alice));
        assertEq(200e6, _claim(bob));
    }

    /// @notice An owner that makes itself the operator and proposes a tree for itself leaves everybody the time to claim.
    function test_OwnerCannotRugWithATreeOfItsOwn() public {
        vm.startPrank(owner);
        vault.setOperator(owner);
        vault.setGuardian(owner);
        bytes32 root = _leaf(block.chainid, address(vault), owner, RESERVE);
        vault.proposeRoot(root, RESERVE, "all for me");
        vm.expectPartialRevert(IPayoutVault.RootNotReady.selector);
        vault.activateRoot();
        vm.stopPrank();
        _claim(alice);
        _claim(bob);
        vm.warp(block.timestamp + ROOT_DELAY);
        vault.activateRoot();
        // It has only the surplus left to take, and not even that by this tree.
        vm.expectRevert(abi.encodeWithSelector(IPayoutVault.RootExhausted.selector, RESERVE + 300e6, RESERVE));
        vault.claim(owner, RESERVE, new bytes32[](0));
        assertEq(100e6, usdc.balanceOf(alice));
        assertEq(200e6, usdc.balanceOf(bob));
    }

    /// @notice Nobody can hold up claims: neither a pending root nor a veto nor a missing owner stops them.
    function test_NothingTrapsClaims() public {
        bytes32[] memory ofAlice = _proof(alice);
        bytes32[] memory ofBob = _proof(bob);
        _owe(mallory, 10e6);
        _propose();
        vm.prank(owner);
        vault.renounceOwnership();
        assertEq(100e6, vault.claim(alice, 100e6, ofAlice));
        vm.prank(guardian);
        vault.vetoRoot();
        assertEq(200e6, vault.claim(bob, 200e6, ofBob));
    }

    /// @dev Alice has herself paid to Mallory, on the chain of now.
    function _sign(uint256 total) private view returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(aliceKey, _claimToDigest(alice, mallory, total, NEVER));
        return abi.encodePacked(r, s, v);
    }
}
