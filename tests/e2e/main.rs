//! The real binary with real clients: SIPp, baresip and a browser. Each program is started by its test and ends with it.
