//! Sentinel as a machine: monitoring, quorum, election, failover.
