// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/interfaces/IERC20.sol";
import {IERC6909} from "@openzeppelin/contracts/interfaces/IERC6909.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";

import {IBoundaryOracle} from "../../../contracts/interfaces/IBoundaryOracle.sol";
import {IEpochHub} from "../../../contracts/interfaces/IEpochHub.sol";
import {ILiquidityLock} from "../../../contracts/interfaces/ILiquidityLock.sol";
import {ILpStaking} from "../../../contracts/interfaces/ILpStaking.sol";
import {IMarketFactory} from "../../../contracts/interfaces/IMarketFactory.sol";
import {IMrtCurve} from "../../../contracts/interfaces/IMrtCurve.sol";
import {IPayoutVault} from "../../../contracts/interfaces/IPayoutVault.sol";
import {IAerodromePool} from "../../../contracts/interfaces/external/IAerodromePool.sol";

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
    function factory() external view returns (IMarketFactory);
    function multicall(bytes[] calldata calls) external returns (bytes[] memory answers);
}

/// @notice What a facade says of the epoch that runs now; prices, amounts and supplies are 1e18 fixed point.
struct Status {
    uint256 epoch;
    uint256 startPrice;
    uint256 timeRemaining;
    bool tradingActive;
    uint256 yesPrice;
    uint256 noPrice;
    uint256 yesSupply;
    uint256 noSupply;
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

interface IStaking is ILpStaking {
    function PERIOD() external view returns (uint256);
}

interface IPool is IAerodromePool, IERC20 {}

interface IMrt is IERC20 {
    function curve() external view returns (address);
    function closedPool() external view returns (address);
    function closePool(address pool) external;
    function openPool(uint256 amount) external;
}

interface IToken is IERC20, IERC20Permit {
    function name() external view returns (string memory);
    function symbol() external view returns (string memory);
    function decimals() external view returns (uint8);
    function mint(address account, uint256 amount) external;
    function owner() external view returns (address);
    function transferOwnership(address newOwner) external;
}
