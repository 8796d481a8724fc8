"""Which fields of wide answers are asked for; the rest stays with Google: variables, metadata, passwords.

Source: the guides "Partial responses" of the APIs: ``a,b/c,d(e,f),g/*/h``.
"""

from __future__ import annotations

_TEMPLATE = "serviceAccount,containers/env/valueSource,volumes/secret"
_RUN = "name,labels,createTime,creator,functionalType"
_FUNCTION = "serviceAccountEmail,secretEnvironmentVariables,secretVolumes"
_NODES = "serviceAccount,oauthScopes"
_POOLS = f"nodePools(name,selfLink,config({_NODES},workloadMetadataConfig))"
_MADE = f"autopilot,autoscaling/autoprovisioningNodePoolDefaults({_NODES})"
_MACHINE = "name,zone,selfLink,creationTimestamp,labels,serviceAccounts"

MACHINES = f"nextPageToken,unreachables,items/*/instances({_MACHINE})"
SERVICES = f"nextPageToken,unreachable,services({_RUN},template({_TEMPLATE}))"
JOBS = f"nextPageToken,jobs({_RUN},template/template({_TEMPLATE}))"
FUNCTIONS = f"nextPageToken,unreachable,functions(name,labels,createTime,environment,serviceConfig({_FUNCTION}))"
CLUSTERS = f"missingZones,clusters(name,selfLink,createTime,resourceLabels,workloadIdentityConfig,{_MADE},{_POOLS})"
