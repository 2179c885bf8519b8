// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BoundaryPrice} from "../../../contracts/interfaces/IBoundaryOracle.sol";
import {IAggregatorV3} from "../../../contracts/interfaces/external/IAggregatorV3.sol";
import {StrictAggregator} from "../doubles/StrictAggregator.sol";
import {ChainlinkFixture} from "../support/ChainlinkFixture.sol";

/// @notice Of any history of rounds and phases one round at most is a boundary's, and always the same one.
contract ChainlinkAdapterFuzzTest is ChainlinkFixture {
    uint256 internal constant PHASES = 4;
    uint256 internal constant ROUNDS = 5;
    uint80 internal constant NONE = 0;

    struct Round {
        uint256 updatedAt;
        bool ownAnswer;
    }

    /// The history as it was made, by phase; each answer is its round's id.
    Round[][] internal history;
    StrictAggregator internal latest;

    /// @notice Whatever the rounds and phases, the adapter takes the one round that the rule names, or none.
    function testFuzz_OneRoundAtMost(uint256[PHASES] memory seeds) public {
        _makeHistory(seeds);
        assertEq(_rule(), _accepted());
    }

    /// @notice What is accepted once stays so, whatever rounds follow.
    function testFuzz_LaterRoundsChangeNothing(uint256[PHASES] memory seeds, uint256[ROUNDS] memory waits) public {
        _makeHistory(seeds);
        uint80 before = _accepted();
        uint256 number = history[PHASES - 1].length;
        uint256 time = BOUNDARY + 4 * MAX_AGE;
        for (uint256 i; i < ROUNDS; ++i) {
            time += waits[i] % MAX_AGE;
            latest.add(1, time, uint80(++number));
        }
        if (before != NONE) assertEq(before, _accepted());
    }

    /// @notice What is accepted for a boundary is so for every boundary up to the next round, as long as it is young enough.
    function testFuzz_RoundHoldsUntilTheNext(uint256 wait, uint256 later) public {
        wait = bound(wait, 1, 3 * MAX_AGE);
        later = bound(later, 0, 3 * MAX_AGE);
        _addRound(first, ANSWER, BOUNDARY);
        _addRound(first, ANSWER + 1, BOUNDARY + wait);
        bool expected = later < wait && later <= MAX_AGE;
        try adapter.verify(_report(BTC, BOUNDARY + later, _id(1, 1))) {
            assertTrue(expected, "another round than the last was taken");
        } catch {
            assertFalse(expected, "the last round was refused");
        }
    }

    /// @dev Phases of up to five rounds each in ascending time, around the boundary. A phase's aggregator may have begun
    /// before the one before it ended, may carry answers over, and may have a round in progress at its end.
    function _makeHistory(uint256[PHASES] memory seeds) private {
        history.push();
        for (uint256 phase = 2; phase <= PHASES; ++phase) {
            // Hashed, because the fuzzer's own numbers are mostly small or all ones.
            uint256 seed = uint256(keccak256(abi.encode(seeds[phase - 1], phase)));
            history.push();
            latest = new StrictAggregator(8);
            // Mostly around the boundary, sometimes long before it or after it.
            uint256 time = BOUNDARY + MAX_AGE - (seed >> 8) % (3 * MAX_AGE);
            uint256 count = phase == PHASES ? 1 + seed % ROUNDS : seed % (ROUNDS + 1);
            for (uint256 number = 1; number <= count; ++number) {
                time += (seed >> (16 * number)) % MAX_AGE;
                bool inProgress = number == count && number > 1 && seed % 7 == 0;
                bool ownAnswer = (seed >> (16 * number + 12)) % 8 != 0;
                _add(phase, number, inProgress ? 0 : time, ownAnswer);
            }
            proxy.change(IAggregatorV3(latest));
        }
    }

    function _add(uint256 phase, uint256 number, uint256 updatedAt, bool ownAnswer) private {
        history[phase - 1].push(Round(updatedAt, ownAnswer));
        latest.add(int256(uint256(_id(phase, number))), updatedAt, uint80(ownAnswer ? number : number - 1));
    }

    /// @dev The one round that the adapter accepts, of all ids that may be one.
    function _accepted() private returns (uint80 accepted) {
        for (uint256 phase; phase <= PHASES + 1; ++phase) {
            for (uint256 number; number <= ROUNDS + 1; ++number) {
                uint80 id = _id(phase, number);
                try adapter.verify(_report(id)) returns (BoundaryPrice[] memory prices) {
                    assertEq(NONE, accepted, "two rounds were accepted for a boundary");
                    assertEq(uint256(id) * 1e10, prices[0].price, "the answer of another round");
                    accepted = id;
                } catch {}
            }
        }
    }

    /// @dev The rule, from the history alone: in the last phase that has a round at or before the boundary the last such
    /// round, if it is young, has an answer of its own, and any round came after it.
    function _rule() private view returns (uint80) {
        for (uint256 phase = PHASES; phase != 0; --phase) {
            Round[] storage rounds = history[phase - 1];
            for (uint256 number = rounds.length; number != 0; --number) {
                Round memory round = rounds[number - 1];
                if (round.updatedAt == 0 || round.updatedAt > BOUNDARY) continue;
                bool followed = _hasRound(phase, number) || _hasRoundAfter(phase);
                bool young = round.updatedAt + MAX_AGE >= BOUNDARY;
                return followed && young && round.ownAnswer ? _id(phase, number) : NONE;
            }
        }
        return NONE;
    }

    /// @dev Whether the phase has a round of that index, counted from 0.
    function _hasRound(uint256 phase, uint256 index) private view returns (bool) {
        return index < history[phase - 1].length && history[phase - 1][index].updatedAt != 0;
    }

    function _hasRoundAfter(uint256 phase) private view returns (bool) {
        for (uint256 later = phase + 1; later <= PHASES; ++later) {
            if (_hasRound(later, 0)) return true;
        }
        return false;
    }
}
