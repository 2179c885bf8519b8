// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";

import {IPayoutVault} from "../../../../contracts/interfaces/IPayoutVault.sol";
import {VaultFixture} from "../../support/VaultFixture.sol";

contract PayoutVaultRootsTest is VaultFixture {
    address internal alice = makeAddr("alice");

    function setUp() public override {
        super.setUp();
        _owe(alice, 100e6);
        _owe(makeAddr("bob"), 200e6);
        _owe(makeAddr("carol"), 300e6);
    }

    /// @notice A new vault knows its token, its people and its delays, and owes nothing.
    function test_Constructor() public {
        address created = vm.computeCreateAddress(address(this), vm.getNonce(address(this)));
        vm.expectEmit(created);
        emit IPayoutVault.OperatorSet(operator);
        vm.expectEmit(created);
        emit IPayoutVault.GuardianSet(guardian);
        vault = _deployVault(ROOT_DELAY, SURPLUS_DELAY);
        assertEq(address(usdc), vault.payoutToken());
        assertEq(owner, vault.owner());
        assertEq(operator, vault.operator());
        assertEq(guardian, vault.guardian());
        assertEq(ROOT_DELAY, vault.rootDelay());
        assertEq(SURPLUS_DELAY, vault.surplusDelay());
        _assertActive(bytes32(0), 0);
        _assertPending(bytes32(0), 0, 0);
        _assertReserve(0, 0, type(uint256).max);
    }

    /// @notice A vault needs a token.
    function test_RevertWhen_TokenIsZero() public {
        vm.expectRevert(IPayoutVault.ZeroAddress.selector);
        this.deploy(
            "PayoutVault.sol:PayoutVault", abi.encode(owner, address(0), operator, guardian, ROOT_DELAY, SURPLUS_DELAY)
        );
    }

    /// @notice A root waits ten minutes to a month, and surplus no less than a root.
    function test_RevertWhen_DelayIsOutOfRange() public {
        uint256 least = 600;
        uint256 most = 30 days;
        vm.expectRevert(abi.encodeWithSelector(IPayoutVault.DelayOutOfRange.selector, least - 1, least, most));
        _deployVault(least - 1, most);
        vm.expectRevert(abi.encodeWithSelector(IPayoutVault.DelayOutOfRange.selector, most + 1, least, most));
        _deployVault(most + 1, most + 1);
        vm.expectRevert(abi.encodeWithSelector(IPayoutVault.DelayOutOfRange.selector, most + 1, least, most));
        _deployVault(least, most + 1);
        vm.expectRevert(abi.encodeWithSelector(IPayoutVault.DelayOutOfRange.selector, 899, 900, most));
        _deployVault(900, 899);
        _deployVault(least, least);
        _deployVault(most, most);
    }

    /// @notice A proposal waits, and what it promises counts as owed from now.
    function test_ProposeRoot() public {
        vm.expectEmit(address(vault));
        emit IPayoutVault.RootProposed(_root(), 600e6, START + ROOT_DELAY, "ipfs://tree");
        _propose();
        _assertPending(_root(), 600e6, START + ROOT_DELAY);
        _assertActive(bytes32(0), 0);
        _assertReserve(RESERVE, 600e6, RESERVE * 1e18 / 600e6);
    }

    /// @notice Nobody but the operator proposes, the owner neither.
    function test_RevertWhen_ProposedByAnother() public {
        vm.expectRevert(abi.encodeWithSelector(IPayoutVault.NotOperator.selector, owner));
        vm.prank(owner);
        vault.proposeRoot("root", 1, "");
    }

    /// @notice Zero stands for no root.
    function test_RevertWhen_RootIsZero() public {
        vm.expectRevert(IPayoutVault.ZeroRoot.selector);
        vm.prank(operator);
        vault.proposeRoot(bytes32(0), 1, "");
    }

    /// @notice One proposal at a time.
    function test_RevertWhen_ARootIsPending() public {
        _propose();
        vm.expectRevert(abi.encodeWithSelector(IPayoutVault.RootPending.selector, _root()));
        vm.prank(operator);
        vault.proposeRoot("other", 700e6, "");
    }

    /// @notice The sum of all totals never falls; the same sum is allowed.
    function test_RevertWhen_TotalShrinks() public {
        _activate();
        vm.expectRevert(abi.encodeWithSelector(IPayoutVault.TotalShrinks.selector, 600e6 - 1, 600e6));
        vm.prank(operator);
        vault.proposeRoot("smaller", 600e6 - 1, "");
        vm.prank(operator);
        vault.proposeRoot("same", 600e6, "");
    }

    /// @notice A root that the balance does not cover is refused; what was claimed needs no cover again.
    function test_RevertWhen_RootIsNotCovered() public {
        _owe(alice, 501e6);
        vm.expectRevert(abi.encodeWithSelector(IPayoutVault.RootNotCovered.selector, 1001e6, RESERVE));
        _propose();
        _owe(alice, 500e6);
        _activate();
        _claim(alice);
        _owe(alice, 501e6);
        vm.expectRevert(abi.encodeWithSelector(IPayoutVault.RootNotCovered.selector, 501e6, 500e6));
        _propose();
        usdc.mint(address(vault), 1e6);
        _propose();
    }

    /// @notice After its delay anyone makes the proposal the active root.
    function test_ActivateRoot() public {
        _propose();
        vm.warp(START + ROOT_DELAY);
        vm.expectEmit(address(vault));
        emit IPayoutVault.RootActivated(_root(), 600e6);
        vm.prank(makeAddr("anyone"));
        vault.activateRoot();
        _assertActive(_root(), 600e6);
        _assertPending(bytes32(0), 0, 0);
        _assertReserve(RESERVE, 600e6, RESERVE * 1e18 / 600e6);
    }

    /// @notice Not before its delay.
    function test_RevertWhen_ActivatedTooEarly() public {
        _propose();
        vm.warp(START + ROOT_DELAY - 1);
        vm.expectRevert(
            abi.encodeWithSelector(IPayoutVault.RootNotReady.selector, START + ROOT_DELAY, START + ROOT_DELAY - 1)
        );
        vault.activateRoot();
    }

    /// @notice Without a proposal there is nothing to activate.
    function test_RevertWhen_NothingIsPending() public {
        vm.expectRevert(IPayoutVault.NoPendingRoot.selector);
        vault.activateRoot();
        vm.expectRevert(IPayoutVault.NoPendingRoot.selector);
        vm.prank(guardian);
        vault.vetoRoot();
    }

    /// @notice Cover is checked again at activation, in case the token itself has taken from the vault.
    function test_RevertWhen_CoverIsGoneAtActivation() public {
        _propose();
        vm.warp(START + ROOT_DELAY);
        vm.prank(address(vault));
        usdc.transfer(alice, 401e6);
        vm.expectRevert(abi.encodeWithSelector(IPayoutVault.RootNotCovered.selector, 600e6, 599e6));
        vault.activateRoot();
    }

    /// @notice The guardian, the operator and the owner can each drop a proposal; what stood before it stands.
    function test_VetoRoot() public {
        _activate();
        bytes32 active = _root();
        _owe(alice, 150e6);
        address[3] memory those = [guardian, operator, owner];
        for (uint256 i; i < those.length; ++i) {
            _propose();
            vm.expectEmit(address(vault));
            emit IPayoutVault.RootVetoed(_root());
            vm.prank(those[i]);
            vault.vetoRoot();
            _assertPending(bytes32(0), 0, 0);
            _assertActive(active, 600e6);
            _assertReserve(RESERVE, 600e6, RESERVE * 1e18 / 600e6);
        }
    }

    /// @notice Nobody else drops a proposal.
    function test_RevertWhen_VetoedByAnother() public {
        _propose();
        vm.expectRevert(abi.encodeWithSelector(IPayoutVault.NotGuardian.selector, alice));
        vm.prank(alice);
        vault.vetoRoot();
    }

    /// @notice The owner names the operator and the guardian.
    function test_SetOperatorAndGuardian() public {
        vm.startPrank(owner);
        vm.expectEmit(address(vault));
        emit IPayoutVault.OperatorSet(alice);
        vault.setOperator(alice);
        vm.expectEmit(address(vault));
        emit IPayoutVault.GuardianSet(alice);
        vault.setGuardian(alice);
        assertEq(alice, vault.operator());
        assertEq(alice, vault.guardian());
    }

    /// @notice Nobody else names them.
    function test_RevertWhen_PeopleAreNamedByAnother() public {
        vm.startPrank(operator);
        bytes memory expected = abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, operator);
        vm.expectRevert(expected);
        vault.setOperator(operator);
        vm.expectRevert(expected);
        vault.setGuardian(operator);
    }

    /// @notice Ownership passes when the new owner takes it, not before.
    function test_OwnershipMovesInTwoSteps() public {
        vm.prank(owner);
        vault.transferOwnership(alice);
        assertEq(owner, vault.owner());
        vm.prank(alice);
        vault.acceptOwnership();
        assertEq(alice, vault.owner());
    }

    function _assertActive(bytes32 expected, uint256 totalExpected) private view {
        (bytes32 root, uint256 total, uint256 claimedTotal) = vault.activeRoot();
        assertEq(expected, root);
        assertEq(totalExpected, total);
        assertEq(0, claimedTotal);
    }

    function _assertPending(bytes32 expected, uint256 totalExpected, uint256 activeExpected) private view {
        (bytes32 root, uint256 total, uint256 activeAt) = vault.pendingRoot();
        assertEq(expected, root);
        assertEq(totalExpected, total);
        assertEq(activeExpected, activeAt);
    }

    function _assertReserve(uint256 expected, uint256 owedExpected, uint256 coverageExpected) private view {
        (uint256 reserve, uint256 liabilities, uint256 coverage) = vault.reserveStatus();
        assertEq(expected, reserve);
        assertEq(owedExpected, liabilities);
        assertEq(coverageExpected, coverage);
    }
}
