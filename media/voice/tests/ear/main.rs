//! An ear on simulated networks, in simulated time.
