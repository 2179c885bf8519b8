"""Compiles and deploys, with ape. The one package that imports ape; what runs in production does without.

`deploy` is what stands behind `chain-kit deploy` and `ape run deploy`.
"""

from chain_kit.deploy.chain import DeploymentReport, Step
from chain_kit.deploy.deployer import deploy
from chain_kit.deploy.specification import DeploymentSpec, MarketSpec, TokenSpec

__all__ = ["DeploymentReport", "DeploymentSpec", "MarketSpec", "Step", "TokenSpec", "deploy"]
