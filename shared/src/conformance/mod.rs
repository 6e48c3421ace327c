//! One suite per port, which every adapter must pass.
