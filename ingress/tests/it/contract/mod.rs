//! Holds the front door against `contracts/`: every documented answer is given, and no other.

mod answers;
mod door;
mod routes;
mod socket;
