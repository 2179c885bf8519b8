// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/interfaces/IERC20.sol";
import {IERC6909} from "@openzeppelin/contracts/interfaces/IERC6909.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";

import {IBoundaryOracle} from "../../../contracts/interfaces/IBoundaryOracle.sol";
import {IEpochHub} from "../../../contracts/interfaces/IEpochHub.sol";
import {IMrtCurve} from "../../../contracts/interfaces/IMrtCurve.sol";
import {IPayoutVault} from "../../../contracts/interfaces/IPayoutVault.sol";

// The contracts as the tests call them: their interfaces and what they inherit. Tests deploy compiled code and know
// nothing of the sources, so that a change of the sources does not compile the tests again, nor the tests the sources.

interface IOwned {
    function owner() external view returns (address);
    function pendingOwner() external view returns (address);
    function transferOwnership(address newOwner) external;
    function acceptOwnership() external;
    function renounceOwnership() external;
}

interface IHub is IEpochHub, IERC6909, IOwned {
    function collateralToken() external view returns (address);
    function oracle() external view returns (address);
    function guardian() external view returns (address);
    function facadeImplementation() external view returns (address);
    function multicall(bytes[] calldata calls) external returns (bytes[] memory answers);
}

interface IOracle is IBoundaryOracle, IOwned {
    function feedCount() external view returns (uint256);
}

interface IVault is IPayoutVault, IOwned {
    function operator() external view returns (address);
    function guardian() external view returns (address);
    function setOperator(address operator) external;
    function setGuardian(address guardian) external;
}

interface ICurve is IMrtCurve {
    function SUPPLY() external view returns (uint256);
    function FOR_SALE() external view returns (uint256);
    function feeBps() external view returns (uint256);
    function creatorShareBps() external view returns (uint256);
    function creator() external view returns (address);
    function treasury() external view returns (address);
}

interface IToken is IERC20, IERC20Permit {
    function name() external view returns (string memory);
    function symbol() external view returns (string memory);
    function decimals() external view returns (uint8);
    function mint(address account, uint256 amount) external;
    function owner() external view returns (address);
    function transferOwnership(address newOwner) external;
}
