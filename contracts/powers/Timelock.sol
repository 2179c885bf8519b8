// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";

/// @title Timelock
/// @notice Owns the contracts. What their owner may do is announced here first and done no sooner than after the delay;
/// its own delay and roles are changed the same way. From its first block on nobody has a power without the delay.
contract Timelock is TimelockController {
    error ZeroAddress();

    /// @param minDelay Seconds between the announcement of a step and its execution.
    /// @param owner_ Who announces, executes and cancels.
    /// @param guardian_ Who may cancel as well.
    constructor(uint256 minDelay, address owner_, address guardian_)
        TimelockController(minDelay, _alone(owner_), _alone(owner_), address(0))
    {
        if (owner_ == address(0) || guardian_ == address(0)) revert ZeroAddress();
        // slither-disable-next-line unused-return -- the guardian may be the owner, who has the role already
        _grantRole(CANCELLER_ROLE, guardian_);
    }

    /// @notice Takes the ownership of contracts whose owner offers it to this one. Anyone may call: it takes a power away
    /// from whoever offers it, and gives nobody one.
    function acceptOwnerships(Ownable2Step[] calldata offered) external {
        for (uint256 i; i < offered.length; ++i) {
            // slither-disable-next-line calls-loop -- the caller chooses the contracts, and pays for them
            offered[i].acceptOwnership();
        }
    }

    function _alone(address account) private pure returns (address[] memory accounts) {
        accounts = new address[](1);
        accounts[0] = account;
    }
}
