// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";

import {LmsrMath} from "../../../../contracts/libraries/LmsrMath.sol";
import {FixedPointMathLib, ISymbols, Seen} from "./AbstractMath.sol";

/// @notice What is proven of the scoring rule's roundings, for every liquidity, holding and trade that a market can have.
/// Exponentials are beyond a solver. They are taken for an arbitrary function, as are the quotients that go into it and
/// the logarithms and products that follow, and this is all that is known of them: `expWad` and `lnWad` are within one
/// unit of the last place of the true values, the true exponential falls, and what is rounded is rounded as named. Then
/// the rule is computed from terms that are all on the house's side of the true ones, and so is the answer.
contract LmsrMathProof is Test {
    uint256 internal constant WAD = 1e18;
    /// From here on the true exponential is below one unit of the last place.
    uint256 internal constant EXPONENT_MAX = 42e18;
    ISymbols internal constant SYMBOLS = ISymbols(0xF3993A62377BCd56AE39D773740A5390411E8BC9);

    function setUp() public {
        // The exponential may be anything: its table is not known.
        (bool done,) = address(SYMBOLS).call(abi.encodeWithSignature("enableSymbolicStorage(address)", this));
        assert(done);
    }

    /// @notice A buy: what is left for the side bought, of which the logarithm is taken, is at most the true rest; it is
    /// above zero, so nothing reverts; and the house keeps at least what the logarithm demands.
    function check_SharesDownFavoursTheHouse(uint256 b, uint256 own, uint256 other, uint256 amount) public {
        _assumeMarket(b, own, other, amount);
        Seen storage seen = FixedPointMathLib.seen();
        seen.logTaken = false;
        uint256 shares = LmsrMath.sharesDown(b, own, other, amount);
        uint256 least = own < other ? own : other;
        assert(shares <= own + amount);
        if (!seen.logTaken) {
            assert(shares == 0);
            return;
        }
        int256 rest = _least(own - least) + _least(other - least) - _most(other - least + amount);
        assert(seen.logOf >= 1 && seen.logOf <= rest);
        if (shares != 0) _assertKept(b, least, own + amount - shares, seen.log - 1);
    }

    /// @notice A sale: the sum before is at most the true one, the sum after at least; and the house pays at most what the
    /// logarithm of their ratio allows, and never more than the shares.
    function check_AmountDownFavoursTheHouse(uint256 b, uint256 own, uint256 other, uint256 shares) public {
        _assumeMarket(b, own, other, shares);
        Seen storage seen = FixedPointMathLib.seen();
        seen.logTaken = false;
        uint256 amount = LmsrMath.amountDown(b, own, other, shares);
        uint256 least = own < other ? own : other;
        assert(amount <= shares);
        if (!seen.logTaken) {
            assert(amount == 0);
            return;
        }
        assert(int256(seen.dividend) <= _least(own - least) + _least(other - least));
        assert(int256(seen.divisor) >= _most(own - least + shares) + _most(other - least));
        assert(seen.logOf >= 0 && uint256(seen.logOf) == seen.down[seen.dividend]);
        if (amount == 0) return;
        assert(!seen.productUp && seen.factors[0] == b && int256(seen.factors[1]) <= seen.log - 1);
        assert(amount <= seen.product);
    }

    /// @dev kept >= least - b·log for the true logarithm, which is at least `log`.
    function _assertKept(uint256 b, uint256 least, uint256 kept, int256 log) private view {
        Seen storage seen = FixedPointMathLib.seen();
        assert(seen.factors[0] == b);
        // A negative logarithm adds to what is kept, and the product is rounded up; else it is taken off, rounded down.
        if (seen.productUp) assert(-int256(seen.factors[1]) <= log && kept >= least + seen.product);
        else assert(int256(seen.factors[1]) <= log && kept + seen.product >= least);
    }

    function _assumeMarket(uint256 b, uint256 own, uint256 other, uint256 given) private pure {
        vm.assume(b >= 1e6 && b <= 1 << 80);
        vm.assume(own < 1 << 84 && other < 1 << 84 && given < 1 << 84);
    }

    /// @dev The least that the true e^(-x/b) can be, for all that is known of `expWad`.
    function _least(uint256 x) private view returns (int256) {
        if (x == 0) return int256(WAD);
        uint256 exponent = FixedPointMathLib.seen().up[x];
        int256 term = exponent >= EXPONENT_MAX ? int256(0) : _table(exponent) - 1;
        return term < 0 ? int256(0) : term;
    }

    /// @dev The most that it can be.
    function _most(uint256 x) private view returns (int256) {
        uint256 exponent = FixedPointMathLib.seen().down[x];
        int256 term = exponent >= EXPONENT_MAX ? int256(1) : _table(exponent) + 1;
        return term > int256(WAD) ? int256(WAD) : term;
    }

    function _table(uint256 exponent) private view returns (int256) {
        return FixedPointMathLib.seen().exps[-int256(exponent)];
    }
}
