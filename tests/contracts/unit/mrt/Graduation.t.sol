// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Vm} from "forge-std/Vm.sol";
import {FixedPointMathLib} from "solady/utils/FixedPointMathLib.sol";

import {IMrtCurve} from "../../../../contracts/interfaces/IMrtCurve.sol";
import {IAerodromeFactory} from "../../../../contracts/interfaces/external/IAerodromeFactory.sol";
import {CurveFixture} from "../../support/CurveFixture.sol";
import {ICurve, IMrt} from "../../support/Kit.sol";
import {UniswapPools} from "../../support/UniswapPools.sol";

/// @notice The graduation of a complete curve, on either kind of pool.
abstract contract GraduationTest is CurveFixture {
    /// What a transaction with four bytes of data costs before its first instruction.
    uint256 private constant TRANSACTION_GAS = 21_064;

    function setUp() public virtual override {
        super.setUp();
        _buy(alice, NEVER);
    }

    /// @notice A curve says where its token goes when it is made: the pool is there, closed, and empty.
    function test_CurveOpened() public {
        vm.recordLogs();
        ICurve made = _deployCurve(TARGET, FEE_BPS, CREATOR_SHARE_BPS);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        _use(made);
        Vm.Log memory last = logs[logs.length - 1];
        assertEq(IMrtCurve.CurveOpened.selector, last.topics[0]);
        assertEq(address(mrt), address(uint160(uint256(last.topics[1]))));
        assertEq(address(pool), address(uint160(uint256(last.topics[2]))));
        assertEq(abi.encode(lock, staking), last.data);
        assertEq(address(pool), factory.getPool(address(mrt), address(usdc), false));
        assertEq(address(pool), IMrt(address(mrt)).closedPool());
        assertEq(0, pool.totalSupply());
        assertFalse(curve.graduated());
    }

    /// @notice Graduation opens the pool with the target and the tokens that make the curve's last price, locks all
    /// shares, burns the rest of the tokens and says so.
    function test_Graduate() public {
        (uint256 tokenReserve, uint256 quoteReserve) = _virtualReserves();
        uint256 tokens = TARGET * tokenReserve / quoteReserve;
        assertEq(9999, curve.graduationProgress());
        vm.expectEmit(address(curve));
        emit IMrtCurve.Graduated(address(pool), TARGET, tokens, FixedPointMathLib.sqrt(TARGET * tokens) - 1000);
        vm.prank(bob);
        uint256 liquidity = curve.graduate();
        assertTrue(curve.graduated());
        assertEq(10_000, curve.graduationProgress());
        (uint256 quote, uint256 pooled) = _reserves();
        assertEq(TARGET, quote);
        assertEq(tokens, pooled);
        assertApproxEqAbs(SUPPLY - FOR_SALE, tokens, 1);
        assertEq(liquidity, lock.locked());
        assertEq(liquidity + 1000, pool.totalSupply());
        assertEq(curve.sold() + tokens, mrt.totalSupply());
        assertEq(TARGET, curve.raised());
        assertEq(address(0), IMrt(address(mrt)).closedPool());
        _assertSound();
    }

    /// @notice What the pool asks and gives for a little is what the curve asked last.
    function test_PoolOpensAtTheLastPrice() public {
        (uint256 tokenReserve, uint256 quoteReserve) = _virtualReserves();
        curve.graduate();
        (uint256 quote, uint256 tokens) = _reserves();
        assertApproxEqRel(quoteReserve * 1e30 / tokenReserve, quote * 1e30 / tokens, 1e6);
    }

    /// @notice The fees that the curve earned stay claimable after graduation, and are all that it owes.
    function test_FeesStayClaimable() public {
        uint256 fees = curve.feesOf(creator) + curve.feesOf(treasury);
        curve.graduate();
        (uint256 reserve, uint256 liabilities, uint256 coverage) = curve.reserveStatus();
        assertEq(fees, reserve);
        assertEq(fees, liabilities);
        assertEq(1e18, coverage);
        curve.claimFees(creator);
        curve.claimFees(treasury);
        assertEq(fees, usdc.balanceOf(creator) + usdc.balanceOf(treasury));
        (reserve, liabilities, coverage) = curve.reserveStatus();
        assertEq(0, reserve + liabilities);
        assertEq(NEVER, coverage);
    }

    /// @notice A curve graduates once.
    function test_RevertWhen_GraduatedAlready() public {
        curve.graduate();
        vm.expectRevert(IMrtCurve.AlreadyGraduated.selector);
        curve.graduate();
    }

    /// @notice A curve that lacks a unit of its target does not graduate.
    function test_RevertWhen_CurveIsIncomplete() public {
        _use(_deployCurve(TARGET, 0, 0));
        _buy(alice, TARGET - 1);
        vm.expectRevert(abi.encodeWithSelector(IMrtCurve.CurveIncomplete.selector, TARGET - 1, TARGET));
        curve.graduate();
        _buy(alice, 1);
        curve.graduate();
    }

    /// @notice The largest target opens a pool as well, and with a gift of a hundred times as much in it.
    function test_LargestTarget() public {
        uint256 target = type(uint104).max;
        _use(_deployCurve(target, FEE_BPS, CREATOR_SHARE_BPS));
        usdc.mint(alice, 2 * target);
        _buy(alice, 2 * target);
        usdc.mint(address(pool), 100 * target);
        pool.sync();
        curve.graduate();
        (uint256 quote, uint256 tokens) = _reserves();
        assertEq(101 * target, quote);
        assertApproxEqAbs(SUPPLY - FOR_SALE, tokens, 1);
        _assertSound();
    }

    /// @notice A curve takes no pool of other tokens.
    function test_RevertWhen_PoolIsForeign() public {
        address foreign = address(pool);
        bytes memory getPool = abi.encodeWithSelector(IAerodromeFactory.getPool.selector);
        vm.mockCall(address(factory), getPool, abi.encode(foreign));
        vm.expectRevert(abi.encodeWithSelector(IMrtCurve.ForeignPool.selector, foreign));
        _deployCurve(TARGET, FEE_BPS, CREATOR_SHARE_BPS);
    }

    /// @notice Graduation costs 280,000 gas at most with the pool already there, refunds not counted.
    function test_GasOfGraduation() public {
        uint256 before = gasleft();
        curve.graduate();
        uint256 used = before - gasleft() + TRANSACTION_GAS;
        emit log_named_uint("gas of graduate()", used);
        assertLe(used, 280_000);
    }
}

contract GraduationToTestPoolTest is GraduationTest {}

contract GraduationToUniswapTest is GraduationTest, UniswapPools {
    function setUp() public override(CurveFixture, GraduationTest) {
        GraduationTest.setUp();
    }

    function _deployFactory() internal override(CurveFixture, UniswapPools) returns (IAerodromeFactory) {
        return UniswapPools._deployFactory();
    }
}
