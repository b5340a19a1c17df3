//! The benchmark program: load, histogram, report.
