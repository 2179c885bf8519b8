// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {SafeTransferLib} from "solady/utils/SafeTransferLib.sol";

import {ICollateralLedger} from "../../../../contracts/interfaces/ICollateralLedger.sol";
import {Side} from "../../../../contracts/interfaces/ICompleteSets.sol";
import {HubFixture} from "../../support/HubFixture.sol";
import {IHub} from "../../support/Kit.sol";

abstract contract HubCollateralTest is HubFixture {
    bytes32 internal constant PERMIT_TYPEHASH =
        keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");

    /// @notice A deposit moves tokens from the wallet onto the internal balance.
    function test_Deposit() public {
        token.mint(alice, 5 * ONE);
        vm.expectEmit(address(hub));
        emit ICollateralLedger.Deposited(alice, alice, 5 * ONE);
        vm.prank(alice);
        hub.deposit(alice, 5 * ONE);
        assertEq(1005 * ONE, hub.collateralOf(alice));
        assertEq(1000 * ONE, token.balanceOf(alice));
    }

    /// @notice A deposit for somebody else is paid by the caller.
    function test_DepositForAnother() public {
        address carol = makeAddr("carol");
        token.mint(alice, 5 * ONE);
        vm.expectEmit(address(hub));
        emit ICollateralLedger.Deposited(carol, alice, 5 * ONE);
        vm.prank(alice);
        hub.deposit(carol, 5 * ONE);
        assertEq(5 * ONE, hub.collateralOf(carol));
        assertEq(1000 * ONE, hub.collateralOf(alice));
    }

    /// @notice Several calls in one: a deposit and the sets that it pays for. One that is refused undoes all.
    function test_DepositAndSplitInOneCall() public {
        token.mint(alice, 5 * ONE);
        bytes[] memory calls = new bytes[](2);
        calls[0] = abi.encodeCall(hub.deposit, (alice, 5 * ONE));
        calls[1] = abi.encodeCall(hub.split, (marketId, 1, 5 * ONE));
        vm.prank(alice);
        hub.multicall(calls);
        assertEq(1000 * ONE, hub.collateralOf(alice));
        assertEq(5 * ONE, hub.balanceOf(alice, _idOf(1, Side.YES)));

        calls[0] = abi.encodeCall(hub.merge, (marketId, 1, 5 * ONE));
        calls[1] = abi.encodeCall(hub.withdraw, (alice, 2000 * ONE));
        vm.expectRevert(
            abi.encodeWithSelector(ICollateralLedger.InsufficientCollateral.selector, alice, 2000 * ONE, 1005 * ONE)
        );
        vm.prank(alice);
        hub.multicall(calls);
        assertEq(5 * ONE, hub.balanceOf(alice, _idOf(1, Side.YES)));
    }

    /// @notice A withdrawal pays any wallet from the caller's internal balance.
    function test_Withdraw() public {
        vm.expectEmit(address(hub));
        emit ICollateralLedger.Withdrawn(alice, bob, 300 * ONE);
        vm.prank(alice);
        hub.withdraw(bob, 300 * ONE);
        assertEq(700 * ONE, hub.collateralOf(alice));
        assertEq(1300 * ONE, token.balanceOf(bob));
    }

    /// @notice Nothing is not an amount.
    function test_RevertWhen_AmountIsZero() public {
        vm.startPrank(alice);
        vm.expectRevert(ICollateralLedger.ZeroAmount.selector);
        hub.deposit(alice, 0);
        vm.expectRevert(ICollateralLedger.ZeroAmount.selector);
        hub.depositWithPermit(alice, 0, NEVER, 27, 0, 0);
        vm.expectRevert(ICollateralLedger.ZeroAmount.selector);
        hub.withdraw(alice, 0);
    }

    /// @notice Collateral neither goes to nor comes onto the zero address.
    function test_RevertWhen_AddressIsZero() public {
        vm.startPrank(alice);
        vm.expectRevert(ICollateralLedger.ZeroAddress.selector);
        hub.deposit(address(0), ONE);
        vm.expectRevert(ICollateralLedger.ZeroAddress.selector);
        hub.withdraw(address(0), ONE);
    }

    /// @notice Nobody withdraws more than its internal balance.
    function test_RevertWhen_WithdrawingTooMuch() public {
        uint256 balance = 1000 * ONE;
        vm.expectRevert(
            abi.encodeWithSelector(ICollateralLedger.InsufficientCollateral.selector, alice, balance + 1, balance)
        );
        vm.prank(alice);
        hub.withdraw(alice, balance + 1);
    }

    /// @notice Without an allowance or a balance there is no deposit.
    function test_RevertWhen_TokenCannotBeTakenIn() public {
        vm.expectRevert(SafeTransferLib.TransferFromFailed.selector);
        vm.prank(makeAddr("carol"));
        hub.deposit(alice, ONE);
    }

    /// @notice The hub's books end at 2^128 base units, beyond any real supply.
    function test_RevertWhen_HubOwesTooMuch() public {
        IHub empty = _deployHub(address(token));
        uint256 amount = uint256(type(uint112).max) + 1;
        token.mint(address(this), amount);
        token.approve(address(empty), amount);
        vm.expectRevert(abi.encodeWithSelector(ICollateralLedger.Undercollateralised.selector, amount, amount));
        empty.deposit(alice, amount);
        empty.deposit(alice, amount - 1);
        assertEq(amount - 1, empty.collateralOf(alice));
    }

    /// @notice A permit takes the place of an allowance.
    function test_DepositWithPermit() public {
        (address dave, uint8 v, bytes32 r, bytes32 s) = _permitOfDave(7 * ONE, block.timestamp);
        vm.expectEmit(address(hub));
        emit ICollateralLedger.Deposited(alice, dave, 7 * ONE);
        vm.prank(dave);
        hub.depositWithPermit(alice, 7 * ONE, block.timestamp, v, r, s);
        assertEq(1007 * ONE, hub.collateralOf(alice));
        assertEq(0, token.balanceOf(dave));
        assertEq(0, token.allowance(dave, address(hub)));
    }

    /// @notice A permit that somebody else has used up does not stop the deposit it was for.
    function test_DepositWithPermitThatWasUsed() public {
        (address dave, uint8 v, bytes32 r, bytes32 s) = _permitOfDave(7 * ONE, block.timestamp);
        vm.prank(bob);
        token.permit(dave, address(hub), 7 * ONE, block.timestamp, v, r, s);
        vm.prank(dave);
        hub.depositWithPermit(dave, 7 * ONE, block.timestamp, v, r, s);
        assertEq(7 * ONE, hub.collateralOf(dave));
    }

    /// @notice A permit works for its signer alone, and not after its deadline.
    function test_RevertWhen_PermitIsNotValid() public {
        (address dave, uint8 v, bytes32 r, bytes32 s) = _permitOfDave(7 * ONE, block.timestamp);
        vm.expectRevert(SafeTransferLib.TransferFromFailed.selector);
        vm.prank(makeAddr("carol"));
        hub.depositWithPermit(alice, 7 * ONE, block.timestamp, v, r, s);

        uint256 deadline = vm.getBlockTimestamp();
        vm.warp(deadline + 1);
        vm.expectRevert(SafeTransferLib.TransferFromFailed.selector);
        vm.prank(dave);
        hub.depositWithPermit(dave, 7 * ONE, deadline, v, r, s);
    }

    /// @notice The reserve covers the liabilities exactly; only gifts lift the coverage above one.
    function test_ReserveStatus() public {
        uint256 owed = BUDGET + 2000 * ONE;
        (uint256 reserve, uint256 liabilities, uint256 coverage) = hub.reserveStatus();
        assertEq(owed, reserve);
        assertEq(owed, liabilities);
        assertEq(1e18, coverage);

        token.mint(address(hub), owed / 2);
        (reserve, liabilities, coverage) = hub.reserveStatus();
        assertEq(owed + owed / 2, reserve);
        assertEq(owed, liabilities);
        assertEq(1.5e18, coverage);
    }

    /// @notice A hub that owes nothing is covered without bound.
    function test_ReserveStatusOfAnEmptyHub() public {
        (uint256 reserve, uint256 liabilities, uint256 coverage) = _deployHub(address(token)).reserveStatus();
        assertEq(0, reserve);
        assertEq(0, liabilities);
        assertEq(type(uint256).max, coverage);
    }

    function _permitOfDave(uint256 amount, uint256 deadline)
        private
        returns (address dave, uint8 v, bytes32 r, bytes32 s)
    {
        uint256 key;
        (dave, key) = makeAddrAndKey("dave");
        token.mint(dave, amount);
        bytes32 digest = keccak256(
            abi.encodePacked(
                hex"1901",
                token.DOMAIN_SEPARATOR(),
                keccak256(abi.encode(PERMIT_TYPEHASH, dave, hub, amount, token.nonces(dave), deadline))
            )
        );
        (v, r, s) = vm.sign(key, digest);
    }
}

contract HubCollateral18Test is HubCollateralTest {
    constructor() HubFixture(18) {}
}

contract HubCollateral6Test is HubCollateralTest {
    constructor() HubFixture(6) {}
}
