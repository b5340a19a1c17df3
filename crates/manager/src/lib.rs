//! The cluster manager: a plan from a view of the cluster, then its actions.
