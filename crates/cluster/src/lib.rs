//! The cluster bus as a machine: gossip, slots, epochs, failover.
