// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IPayoutVault} from "../../../contracts/interfaces/IPayoutVault.sol";
import {IVault} from "../support/Kit.sol";
import {VaultFixture} from "../support/VaultFixture.sol";

/// @notice What a payout vault must refuse, each by its own error, and after which everything is as it was before.
contract KnownFailuresVaultStateTest is VaultFixture {
    uint256 private constant NEVER = type(uint256).max;

    address internal alice;
    uint256 internal aliceKey;
    address internal bob = makeAddr("bob");
    address internal mallory = makeAddr("mallory");

    /// @dev Alice has claimed 60 of her 100, Bob nothing of his 200.
    function setUp() public override {
        super.setUp();
        (alice, aliceKey) = makeAddrAndKey("alice");
        _owe(alice, 60e6);
        _owe(bob, 200e6);
        _activate();
        _claim(alice);
        _owe(alice, 100e6);
        _activate();
    }

    /// @notice A proof for the root before, for a pending one and for one that was vetoed proves nothing.
    function test_ProofForAnotherRootIsRefused() public {
        bytes32[] memory present = _proof(bob);
        _owe(bob, 210e6);
        _owe(alice, 130e6);
        bytes32[] memory pending = _proof(bob);
        _propose();
        _assertRefused(abi.encodeCall(vault.claim, (bob, 210e6, pending)), _invalid(bob, 210e6));
        _assertRefused(abi.encodeCall(vault.claim, (bob, 200e6, pending)), _invalid(bob, 200e6));
        vm.prank(guardian);
        vault.vetoRoot();
        _assertRefused(abi.encodeCall(vault.claim, (bob, 210e6, pending)), _invalid(bob, 210e6));
        _activate();
        _assertRefused(abi.encodeCall(vault.claim, (bob, 200e6, present)), _invalid(bob, 200e6));
        _assertRefused(abi.encodeCall(vault.claim, (bob, 210e6, present)), _invalid(bob, 210e6));
    }

    /// @notice A proof for another account or another total proves nothing, nor does a part of one or more than one.
    function test_ProofForAnotherAccountIsRefused() public {
        bytes32[] memory proof = _proof(bob);
        _assertRefused(abi.encodeCall(vault.claim, (mallory, 200e6, proof)), _invalid(mallory, 200e6));
        _assertRefused(abi.encodeCall(vault.claim, (alice, 200e6, proof)), _invalid(alice, 200e6));
        _assertRefused(abi.encodeCall(vault.claim, (bob, 200e6 + 1, proof)), _invalid(bob, 200e6 + 1));
        _assertRefused(abi.encodeCall(vault.claim, (bob, 200e6, new bytes32[](0))), _invalid(bob, 200e6));
        bytes32[] memory longer = new bytes32[](2);
        longer[0] = proof[0];
        _assertRefused(abi.encodeCall(vault.claim, (bob, 200e6, longer)), _invalid(bob, 200e6));
    }

    /// @notice A proof for another chain proves nothing here, and one for here nothing there.
    function test_ProofForAnotherChainIsRefused() public {
        bytes32[] memory proof = _proof(bob);
        vm.chainId(8453);
        _assertRefused(abi.encodeCall(vault.claim, (bob, 200e6, proof)), _invalid(bob, 200e6));
    }

    /// @notice A proof for another vault proves nothing, though it be of the same operator and the same people.
    function test_ProofForAnotherVaultIsRefused() public {
        IVault here = vault;
        vault = _deployVault(ROOT_DELAY, SURPLUS_DELAY);
        bytes32[] memory proof = _proof(bob);
        vault = here;
        _assertRefused(abi.encodeCall(vault.claim, (bob, 200e6, proof)), _invalid(bob, 200e6));
    }

    /// @notice A root that shrinks the total is refused, by a unit already.
    function test_RootThatShrinksTheTotalIsRefused() public {
        _assertRefusedTo(
            operator,
            abi.encodeCall(vault.proposeRoot, ("less", 300e6 - 1, "")),
            abi.encodeWithSelector(IPayoutVault.TotalShrinks.selector, 300e6 - 1, 300e6)
        );
    }

    /// @notice A root that shrinks somebody's total below what was claimed takes nothing back and pays nothing.
    function test_RootThatShrinksOnesTotalPaysNothing() public {
        _claim(alice);
        _owe(alice, 99e6);
        _owe(bob, 201e6);
        _activate();
        _assertRefused(
            abi.encodeCall(vault.claim, (alice, 99e6, _proof(alice))),
            abi.encodeWithSelector(IPayoutVault.NothingToClaim.selector, alice, 99e6, 100e6)
        );
    }

    /// @notice A root that is not covered is refused, by a unit already, when it is proposed and when it is activated.
    function test_RootThatIsNotCoveredIsRefused() public {
        uint256 most = RESERVE;
        _assertRefusedTo(
            operator,
            abi.encodeCall(vault.proposeRoot, ("more", most + 1, "")),
            abi.encodeWithSelector(IPayoutVault.RootNotCovered.selector, most + 1 - 60e6, most - 60e6)
        );
        vm.prank(operator);
        vault.proposeRoot("most", most, "");
        vm.warp(block.timestamp + ROOT_DELAY);
        vm.prank(address(vault));
        usdc.transfer(mallory, 1);
        _assertRefused(
            abi.encodeCall(vault.activateRoot, ()),
            abi.encodeWithSelector(IPayoutVault.RootNotCovered.selector, most - 60e6, most - 60e6 - 1)
        );
    }

    /// @notice A root is not active before its time, nor a second one pending before the first is decided.
    function test_RootBeforeItsTimeIsRefused() public {
        _owe(bob, 250e6);
        _propose();
        uint256 activeAt = block.timestamp + ROOT_DELAY;
        vm.warp(activeAt - 1);
        _assertRefused(
            abi.encodeCall(vault.activateRoot, ()),
            abi.encodeWithSelector(IPayoutVault.RootNotReady.selector, activeAt, activeAt - 1)
        );
        _assertRefusedTo(
            operator,
            abi.encodeCall(vault.proposeRoot, ("other", 400e6, "")),
            abi.encodeWithSelector(IPayoutVault.RootPending.selector, _root())
        );
    }

    /// @notice A signed claim is for its account, its recipient, its total and its time.
    function test_SignedClaimForAnythingElseIsRefused() public {
        bytes32[] memory proof = _proof(alice);
        uint256 expiry = vm.getBlockTimestamp();
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(aliceKey, _claimToDigest(alice, bob, 100e6, expiry));
        bytes memory signature = abi.encodePacked(r, s, v);
        bytes memory refused = abi.encodeWithSelector(IPayoutVault.InvalidSignature.selector, alice);
        _assertRefused(abi.encodeCall(vault.claimTo, (alice, mallory, 100e6, proof, expiry, signature)), refused);
        _assertRefused(abi.encodeCall(vault.claimTo, (alice, bob, 101e6, proof, expiry, signature)), refused);
        _assertRefused(abi.encodeCall(vault.claimTo, (alice, bob, 100e6, proof, NEVER, signature)), refused);
        _assertRefused(
            abi.encodeCall(vault.claimTo, (bob, bob, 200e6, _proof(bob), expiry, signature)),
            abi.encodeWithSelector(IPayoutVault.InvalidSignature.selector, bob)
        );
        vm.warp(expiry + 1);
        _assertRefused(
            abi.encodeCall(vault.claimTo, (alice, bob, 100e6, proof, expiry, signature)),
            abi.encodeWithSelector(IPayoutVault.SignatureExpired.selector, expiry, expiry + 1)
        );
    }

    function _assertRefused(bytes memory call, bytes memory expected) private {
        _assertRefusedTo(mallory, call, expected);
    }

    /// @dev The call fails with this error, and roots, claims, reserve and balances are as before.
    function _assertRefusedTo(address caller, bytes memory call, bytes memory expected) private {
        bytes memory before = _state();
        vm.prank(caller);
        (bool success, bytes memory answer) = address(vault).call(call);
        assertFalse(success);
        assertEq(expected, answer);
        assertEq(before, _state());
    }

    function _state() private view returns (bytes memory state) {
        state = bytes.concat(
            _ask(address(vault), abi.encodeCall(vault.activeRoot, ())),
            _ask(address(vault), abi.encodeCall(vault.pendingRoot, ())),
            _ask(address(vault), abi.encodeCall(vault.reserveStatus, ()))
        );
        address[3] memory people = [alice, bob, mallory];
        for (uint256 i; i < people.length; ++i) {
            state = abi.encode(state, vault.claimed(people[i]), usdc.balanceOf(people[i]));
        }
    }

    function _ask(address whom, bytes memory question) private view returns (bytes memory answer) {
        (, answer) = whom.staticcall(question);
    }

    function _invalid(address account, uint256 total) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IPayoutVault.InvalidProof.selector, account, total);
    }
}
