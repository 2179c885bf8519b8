// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC165} from "@openzeppelin/contracts/interfaces/IERC165.sol";
import {IERC6909} from "@openzeppelin/contracts/interfaces/IERC6909.sol";
import {ERC6909} from "@openzeppelin/contracts/token/ERC6909/ERC6909.sol";

import {Side} from "../../../../contracts/interfaces/IEpochHub.sol";
import {HubFixture} from "../../support/HubFixture.sol";

abstract contract HubPositionsTest is HubFixture {
    uint256 internal yesId;
    uint256 internal noId;

    function setUp() public override {
        super.setUp();
        _split(alice, 1, 5 * ONE);
        yesId = _idOf(1, Side.YES);
        noId = _idOf(1, Side.NO);
    }

    /// @notice The hub says that it is an ERC-6909 token.
    function test_SupportsInterface() public view {
        assertTrue(hub.supportsInterface(type(IERC6909).interfaceId));
        assertTrue(hub.supportsInterface(type(IERC165).interfaceId));
        assertFalse(hub.supportsInterface(0xffffffff));
    }

    /// @notice A transfer moves one side and leaves the other.
    function test_Transfer() public {
        vm.expectEmit(address(hub));
        emit IERC6909.Transfer(alice, alice, bob, noId, 2 * ONE);
        vm.prank(alice);
        assertTrue(hub.transfer(bob, noId, 2 * ONE));
        _assertBalances(alice, 5 * ONE, 3 * ONE);
        _assertBalances(bob, 0, 2 * ONE);
    }

    /// @notice A transfer to oneself changes nothing.
    function test_TransferToOneself() public {
        vm.startPrank(alice);
        hub.transfer(alice, yesId, 5 * ONE);
        hub.transfer(alice, noId, ONE);
        _assertBalances(alice, 5 * ONE, 5 * ONE);
    }

    /// @notice Nobody transfers more than it holds of the side, whatever it holds of the other.
    function test_RevertWhen_TransferringMoreThanHeld() public {
        uint256 held = 5 * ONE;
        vm.startPrank(alice);
        vm.expectRevert(
            abi.encodeWithSelector(ERC6909.ERC6909InsufficientBalance.selector, alice, held, held + 1, yesId)
        );
        hub.transfer(bob, yesId, held + 1);
        vm.expectRevert(
            abi.encodeWithSelector(ERC6909.ERC6909InsufficientBalance.selector, alice, held, 1 << 128, noId)
        );
        hub.transfer(bob, noId, 1 << 128);
    }

    /// @notice Shares do not go to the zero address.
    function test_RevertWhen_TransferringToNobody() public {
        vm.expectRevert(abi.encodeWithSelector(ERC6909.ERC6909InvalidReceiver.selector, address(0)));
        vm.prank(alice);
        hub.transfer(address(0), yesId, ONE);
    }

    /// @notice An allowance is for one id, and is used up.
    function test_TransferFromWithAllowance() public {
        vm.expectEmit(address(hub));
        emit IERC6909.Approval(alice, bob, yesId, 3 * ONE);
        vm.prank(alice);
        hub.approve(bob, yesId, 3 * ONE);

        vm.expectEmit(address(hub));
        emit IERC6909.Transfer(bob, alice, bob, yesId, 2 * ONE);
        vm.startPrank(bob);
        hub.transferFrom(alice, bob, yesId, 2 * ONE);
        assertEq(ONE, hub.allowance(alice, bob, yesId));
        vm.expectRevert(abi.encodeWithSelector(ERC6909.ERC6909InsufficientAllowance.selector, bob, ONE, 2 * ONE, yesId));
        hub.transferFrom(alice, bob, yesId, 2 * ONE);
        vm.expectRevert(abi.encodeWithSelector(ERC6909.ERC6909InsufficientAllowance.selector, bob, 0, ONE, noId));
        hub.transferFrom(alice, bob, noId, ONE);
    }

    /// @notice An operator moves everything until it is dismissed.
    function test_TransferFromAsOperator() public {
        vm.expectEmit(address(hub));
        emit IERC6909.OperatorSet(alice, bob, true);
        vm.prank(alice);
        hub.setOperator(bob, true);
        vm.prank(bob);
        hub.transferFrom(alice, bob, noId, 5 * ONE);
        _assertBalances(bob, 0, 5 * ONE);

        vm.prank(alice);
        hub.setOperator(bob, false);
        vm.expectRevert(abi.encodeWithSelector(ERC6909.ERC6909InsufficientAllowance.selector, bob, 0, 1, yesId));
        vm.prank(bob);
        hub.transferFrom(alice, bob, yesId, 1);
    }

    /// @notice An id whose last byte is no side has no balance, although its other bytes name an epoch.
    function test_IdsThatAreNoPositionHaveNoBalance() public {
        for (uint256 side = 2; side < 256; ++side) {
            uint256 id = yesId + side;
            assertEq(0, hub.balanceOf(alice, id));
        }
        vm.expectRevert(abi.encodeWithSelector(ERC6909.ERC6909InsufficientBalance.selector, alice, 0, ONE, yesId + 2));
        vm.prank(alice);
        hub.transfer(bob, yesId + 2, ONE);
    }

    /// @notice A transfer of nothing changes nothing, whatever the id.
    function testFuzz_TransferOfNothing(uint256 id) public {
        vm.prank(bob);
        hub.transferFrom(alice, bob, id, 0);
        _assertBalances(alice, 5 * ONE, 5 * ONE);
        _assertBalances(bob, 0, 0);
        assertEq(0, hub.balanceOf(bob, id));
    }

    /// @notice Positions of two markets, epochs or accounts never share a balance.
    function testFuzz_PositionsAreApart(uint64 market, uint40 epoch, bool no, address account) public view {
        uint256 id = uint256(market) << 64 | uint256(epoch) << 8 | (no ? 1 : 0);
        bool alices = account == alice && (id == yesId || id == noId);
        assertEq(alices ? 5 * ONE : 0, hub.balanceOf(account, id));
    }

    /// @notice However shares are passed about, each side keeps its sum.
    function testFuzz_TransfersKeepTheSum(uint256[12] memory amounts) public {
        for (uint256 i; i < amounts.length; ++i) {
            (address from, address to) = i % 3 == 0 ? (bob, alice) : (alice, bob);
            uint256 id = i % 2 == 0 ? yesId : noId;
            uint256 amount = bound(amounts[i], 0, hub.balanceOf(from, id));
            vm.prank(from);
            hub.transfer(to, id, amount);
        }
        assertEq(5 * ONE, hub.balanceOf(alice, yesId) + hub.balanceOf(bob, yesId));
        assertEq(5 * ONE, hub.balanceOf(alice, noId) + hub.balanceOf(bob, noId));
    }

    function _assertBalances(address account, uint256 yesExpected, uint256 noExpected) private view {
        assertEq(yesExpected, hub.balanceOf(account, yesId));
        assertEq(noExpected, hub.balanceOf(account, noId));
    }
}

contract HubPositions18Test is HubPositionsTest {
    constructor() HubFixture(18) {}
}

contract HubPositions6Test is HubPositionsTest {
    constructor() HubFixture(6) {}
}
