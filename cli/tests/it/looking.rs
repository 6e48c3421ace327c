//! The commands that look, and those that mend.

use bench::stub::{Behaviour, Failure};
use rusqlite as _;
