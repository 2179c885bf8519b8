// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Deployer} from "./Deployer.sol";
import {ICurve, IToken} from "./Kit.sol";

/// @title Curve fixture
/// @notice A bonding curve that raises 9000 USDC at a fee of 0.25 %, 80 % of it the creator's; and two traders.
abstract contract CurveFixture is Deployer {
    uint256 internal constant START = 1_800_000_000;
    uint256 internal constant TARGET = 9000e6;
    uint256 internal constant FEE_BPS = 25;
    uint256 internal constant CREATOR_SHARE_BPS = 8000;
    uint256 internal constant FOR_SALE = 800_000_000e18;
    uint256 internal constant SUPPLY = 1_000_000_000e18;
    uint256 internal constant NEVER = type(uint256).max;

    address internal creator = makeAddr("creator");
    address internal treasury = makeAddr("treasury");
    address internal alice = makeAddr("alice");
    address internal bob = makeAddr("bob");
    IToken internal usdc;
    IToken internal mrt;
    ICurve internal curve;

    function setUp() public virtual {
        vm.warp(START);
        usdc = IToken(deploy("TestToken.sol:TestToken", abi.encode("USD Coin", "USDC", uint8(6), address(this))));
        _use(_deployCurve(TARGET, FEE_BPS, CREATOR_SHARE_BPS));
    }

    function _deployCurve(uint256 target, uint256 feeBps, uint256 creatorShareBps) internal returns (ICurve) {
        return ICurve(
            this.deploy(
                "MrtCurve.sol:MrtCurve",
                abi.encode("BTC Reward", "MRT-BTC", usdc, target, feeBps, creatorShareBps, creator, treasury)
            )
        );
    }

    /// @dev Makes `curve_` the one that is tested, and gives both traders approvals and USDC for it.
    function _use(ICurve curve_) internal {
        curve = curve_;
        mrt = IToken(curve.token());
        _equip(alice, 20_000e6);
        _equip(bob, 20_000e6);
    }

    function _equip(address account, uint256 amount) internal {
        usdc.mint(account, amount);
        vm.startPrank(account);
        usdc.approve(address(curve), type(uint256).max);
        mrt.approve(address(curve), type(uint256).max);
        vm.stopPrank();
    }

    function _buy(address account, uint256 amount) internal returns (uint256 tokens, uint256 paid) {
        vm.prank(account);
        return curve.buy(amount, 0, account, NEVER);
    }

    function _sell(address account, uint256 tokens) internal returns (uint256) {
        vm.prank(account);
        return curve.sell(tokens, 0, account, NEVER);
    }

    /// @dev The product of the virtual reserves, which no trade may lower.
    function _product() internal view returns (uint256) {
        return (FOR_SALE * 4 / 3 - curve.sold()) * ((curve.target() + 2) / 3 + curve.raised());
    }

    /// @dev What holds of a curve at any time, as long as nobody sends its tokens back to it as a gift.
    function _assertSound() internal view {
        (uint256 reserve, uint256 liabilities,) = curve.reserveStatus();
        assertGe(reserve, liabilities, "the curve covers what it owes");
        assertEq(curve.raised() + curve.feesOf(creator) + curve.feesOf(treasury), liabilities);
        assertLe(curve.raised(), curve.target());
        assertLe(curve.sold(), FOR_SALE);
        assertEq(SUPPLY - curve.sold(), mrt.balanceOf(address(curve)));
    }
}
