// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ReentrancyGuard} from "@openzeppelin/contracts/utils/ReentrancyGuard.sol";
import {FixedPointMathLib} from "solady/utils/FixedPointMathLib.sol";
import {SafeTransferLib} from "solady/utils/SafeTransferLib.sol";

import {IMrtCurve} from "../../../contracts/interfaces/IMrtCurve.sol";
import {IAerodromeFactory} from "../../../contracts/interfaces/external/IAerodromeFactory.sol";
import {FalseReturningToken} from "../doubles/FalseReturningToken.sol";
import {FeeOnTransferToken} from "../doubles/FeeOnTransferToken.sol";
import {PoolThief} from "../doubles/PoolThief.sol";
import {ReentrantToken} from "../doubles/ReentrantToken.sol";
import {CurveFixture} from "../support/CurveFixture.sol";
import {UniswapPools} from "../support/UniswapPools.sol";

/// @notice How graduations of other systems have been blocked or robbed, tried on ours, on either kind of pool.
abstract contract KnownFailuresPool is CurveFixture {
    address internal mallory = makeAddr("mallory");

    /// @notice A pool that was made before the token was is used like one that was not.
    function test_PoolPreCreationDoesNotBlockGraduation() public {
        address curveToCome = vm.computeCreateAddress(address(this), vm.getNonce(address(this)));
        address tokenToCome = vm.computeCreateAddress(curveToCome, 1);
        vm.prank(mallory);
        address made = factory.createPool(address(usdc), tokenToCome, false);
        usdc.mint(made, 1);
        _use(_deployCurve(TARGET, FEE_BPS, CREATOR_SHARE_BPS));
        assertEq(tokenToCome, address(mrt));
        assertEq(made, address(pool));
        pool.sync();
        _assertOpensWith(1);
    }

    /// @notice One base unit, given and taken down as reserve, neither blocks nor moves anything.
    function test_OneUnitDonatedAndSyncedDoesNotBlockGraduation() public {
        usdc.mint(address(pool), 1);
        pool.sync();
        _assertOpensWith(1);
    }

    /// @notice Much quote in the pool raises its first price and is a gift to it: the locked shares are still all there
    /// are, and the giver gets none.
    function test_LargeDonationIsAGift() public {
        usdc.mint(address(pool), 5000e6);
        _assertOpensWith(5000e6);
    }

    /// @notice The same, if the gift is taken down as reserve first.
    function test_LargeDonationSyncedIsAGift() public {
        usdc.mint(address(pool), 2000e6);
        pool.sync();
        usdc.mint(address(pool), 3000e6);
        _assertOpensWith(5000e6);
    }

    /// @notice Without tokens nobody makes shares of the pool, trades in it or lends from it before graduation.
    function test_PoolSeededAtAWrongPrice() public {
        usdc.mint(address(pool), 100e6);
        bytes[8] memory tries = [
            abi.encodeCall(pool.mint, (mallory)),
            abi.encodeCall(pool.burn, (mallory)),
            _swap(1, 0, ""),
            _swap(0, 1, ""),
            _swap(1e6, 0, "flash"),
            abi.encodeCall(pool.claimFees, ()),
            abi.encodeCall(pool.sync, ()),
            abi.encodeCall(pool.skim, (mallory))
        ];
        vm.startPrank(mallory);
        for (uint256 round; round < 2; ++round) {
            for (uint256 i; i < tries.length; ++i) {
                // In the second round all that was given is reserve.
                (bool success,) = address(pool).call{gas: 1e6}(tries[i]);
                assertTrue(!success || i > 4);
                assertEq(0, pool.totalSupply());
                assertEq(0, mrt.balanceOf(address(pool)));
            }
        }
        vm.stopPrank();
        _assertOpensWith(100e6);
    }

    /// @notice By no way does a token come into the pool before graduation; after it, by all.
    function test_TokenTransferredToThePoolBeforeGraduation() public {
        (uint256 tokens,) = _buy(alice, 1000e6);
        bytes memory closed = abi.encodeWithSignature("PoolClosed(address)", pool);
        vm.startPrank(alice);
        mrt.approve(bob, tokens);
        vm.expectRevert(closed);
        mrt.transfer(address(pool), tokens);
        vm.expectRevert(closed);
        mrt.transfer(address(pool), 0);
        // The curve is no way around.
        vm.expectRevert(SafeTransferLib.TransferFailed.selector);
        curve.buy(1e6, 0, address(pool), NEVER);
        vm.stopPrank();
        vm.prank(bob);
        vm.expectRevert(closed);
        mrt.transferFrom(alice, address(pool), tokens / 2);
        _graduate();
        vm.prank(alice);
        mrt.transfer(address(pool), tokens / 2);
        vm.prank(bob);
        mrt.transferFrom(alice, address(pool), tokens / 2);
    }

    /// @notice A last buy of far too much completes the curve to the unit, and the pool opens as it should.
    function test_LastBuyOversize() public {
        _buy(bob, 1000e6);
        (, uint256 paid) = _buy(alice, 20_000e6);
        assertLt(paid, 9000e6);
        assertEq(TARGET, curve.raised());
        _assertOpensWith(0);
    }

    /// @notice Who graduates in another's stead changes nothing, and only the first graduates.
    function test_GraduationFrontRun() public {
        _buy(alice, NEVER);
        uint256 snapshot = vm.snapshotState();
        uint256 fair = curve.graduate();
        vm.revertToState(snapshot);
        usdc.mint(address(pool), 1);
        pool.sync();
        vm.prank(mallory);
        assertEq(fair, curve.graduate());
        assertEq(0, pool.balanceOf(mallory));
        vm.expectRevert(IMrtCurve.AlreadyGraduated.selector);
        curve.graduate();
    }

    /// @notice The last buyer, who graduates and sells into the new pool at once, gets back less than was paid.
    function test_LastBuyerCannotSellDear() public {
        for (uint256 part = 1; part < 9; ++part) {
            uint256 snapshot = vm.snapshotState();
            _buy(alice, TARGET - part * 1000e6 / 2);
            (uint256 tokens, uint256 paid) = _buy(bob, NEVER);
            curve.graduate();
            assertLt(_sellIntoPool(bob, tokens), paid);
            vm.revertToState(snapshot);
        }
    }

    /// @notice Who adds liquidity right after the opening gets back no more than it was.
    function test_LiquidityAddedRightAfterTakesNothing() public {
        _graduate();
        vm.startPrank(alice);
        usdc.transfer(address(pool), 900e6);
        mrt.transfer(address(pool), 20_000_000e18);
        uint256 shares = pool.mint(alice);
        pool.transfer(address(pool), shares);
        (uint256 amount0, uint256 amount1) = pool.burn(alice);
        (uint256 quote, uint256 tokens) = _ordered(amount0, amount1);
        assertLe(quote, 900e6);
        assertLe(tokens, 20_000_000e18);
    }

    /// @notice Quote that was given to the curve, and tokens sent back to it, change neither the price of the pool nor
    /// what the curve owes.
    function test_DonatedCollateralDoesNotBreakGraduation() public {
        (uint256 tokens,) = _buy(alice, 1000e6);
        usdc.mint(address(curve), 5000e6);
        vm.prank(alice);
        mrt.transfer(address(curve), tokens);
        _assertOpensWith(0);
        (uint256 reserve, uint256 liabilities,) = curve.reserveStatus();
        assertEq(5000e6, reserve - liabilities);
        assertEq(curve.sold() - tokens + mrt.balanceOf(address(pool)), mrt.totalSupply(), "the tokens are burnt");
    }

    /// @notice A quote token that calls back in the midst of the graduation finds the curve closed.
    function test_ReentrantTokenFindsClosedDoors() public {
        bytes[4] memory doors = [
            abi.encodeCall(curve.buy, (1e6, 0, alice, NEVER)),
            abi.encodeCall(curve.sell, (1e18, 0, alice, NEVER)),
            abi.encodeCall(curve.claimFees, (creator)),
            abi.encodeCall(curve.graduate, ())
        ];
        for (uint256 i; i < 8; ++i) {
            ReentrantToken odd = new ReentrantToken();
            _useCurveOn(address(odd));
            _buy(alice, NEVER);
            odd.arm(address(curve), doors[i / 2], i % 2 == 0);
            curve.graduate();
            assertEq(1, odd.calls());
            assertFalse(odd.success());
            assertEq(abi.encodeWithSelector(ReentrancyGuard.ReentrancyGuardReentrantCall.selector), odd.answer());
            _assertSound();
        }
    }

    /// @notice A quote token that lets others at the pool before its shares are made graduates no curve, and robs none.
    function test_ReentrantTokenRobsNoPool() public {
        ReentrantToken odd = new ReentrantToken();
        _useCurveOn(address(odd));
        _buy(alice, NEVER);
        PoolThief thief = new PoolThief();
        odd.arm(address(thief), abi.encodeCall(thief.steal, (pool, 1e6)), false);
        uint256 least = _openingLiquidity();
        vm.expectRevert(abi.encodeWithSelector(IMrtCurve.LiquidityTooSmall.selector, 1e6 - 1000, least));
        curve.graduate();
        odd.arm(address(pool), abi.encodeCall(pool.mint, (mallory)), false);
        vm.expectRevert();
        curve.graduate();
        odd.arm(address(0), "", false);
        assertEq(least, curve.graduate());
    }

    /// @notice Quote that arrives short opens no pool; nothing is lost by the try.
    function test_FeeOnTransferTokenIsRefused() public {
        FalseReturningToken odd = new FalseReturningToken();
        _useCurveOn(address(odd));
        _buy(alice, NEVER);
        bytes memory honest = address(odd).code;
        vm.etch(address(odd), address(new FeeOnTransferToken()).code);
        vm.expectPartialRevert(IMrtCurve.LiquidityTooSmall.selector);
        curve.graduate();
        vm.etch(address(odd), honest);
        _assertSound();
        _assertOpensWith(0);
    }

    /// @notice A transfer that fails without a revert graduates nothing.
    function test_FalseReturningTokenIsRefused() public {
        FalseReturningToken odd = new FalseReturningToken();
        _useCurveOn(address(odd));
        _buy(alice, NEVER);
        odd.setBroken(true);
        vm.expectRevert(SafeTransferLib.TransferFailed.selector);
        curve.graduate();
        assertFalse(curve.graduated());
        odd.setBroken(false);
        _assertOpensWith(0);
    }

    /// @dev Completes and graduates the curve: the pool holds the target, what it was given and the tokens that make the
    /// curve's last price with the target; all shares are locked; and the curve owes its fees.
    function _assertOpensWith(uint256 gift) internal {
        if (curve.raised() < TARGET) _buy(alice, NEVER);
        (uint256 tokenReserve, uint256 quoteReserve) = _virtualReserves();
        uint256 liquidity = curve.graduate();
        (uint256 quote, uint256 tokens) = _reserves();
        assertEq(TARGET + gift, quote);
        assertEq(TARGET * tokenReserve / quoteReserve, tokens);
        assertGe(liquidity, _openingLiquidity());
        assertEq(liquidity, lock.locked());
        assertEq(liquidity + 1000, pool.totalSupply());
        assertEq(0, pool.balanceOf(mallory));
        _assertSound();
    }

    /// @dev The shares of the target and of the tokens that match it.
    function _openingLiquidity() private view returns (uint256) {
        (uint256 tokenReserve, uint256 quoteReserve) = _virtualReserves();
        return FixedPointMathLib.sqrt(TARGET * (TARGET * tokenReserve / quoteReserve)) - 1000;
    }

    function _sellIntoPool(address account, uint256 tokens) private returns (uint256 quote) {
        (uint256 reserve, uint256 tokenReserve) = _reserves();
        uint256 taxed = tokens * 9970 / 10_000;
        quote = taxed * reserve / (tokenReserve + taxed) - 1;
        vm.startPrank(account);
        mrt.transfer(address(pool), tokens);
        (uint256 out0, uint256 out1) = _ordered(quote, 0);
        pool.swap(out0, out1, account, "");
        vm.stopPrank();
    }

    function _swap(uint256 quote, uint256 tokens, bytes memory data) private view returns (bytes memory) {
        (uint256 out0, uint256 out1) = _ordered(quote, tokens);
        return abi.encodeCall(pool.swap, (out0, out1, mallory, data));
    }
}

/// @notice On the local chain's pools.
contract KnownFailuresTestPoolTest is KnownFailuresPool {}

/// @notice On pairs of Uniswap v2.
contract KnownFailuresUniswapPoolTest is KnownFailuresPool, UniswapPools {
    function _deployFactory() internal override(CurveFixture, UniswapPools) returns (IAerodromeFactory) {
        return UniswapPools._deployFactory();
    }
}
