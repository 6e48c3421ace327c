//! The tests of the worker, in one binary.

#[cfg(test)]
mod breaker;
#[cfg(test)]
mod budget;
#[cfg(test)]
mod calls;
#[cfg(test)]
mod claims;
#[cfg(test)]
mod context;
#[cfg(test)]
mod crashes;
#[cfg(test)]
#[cfg(feature = "lambda")]
mod function;
#[cfg(test)]
mod metrics;
#[cfg(test)]
mod parsing;
#[cfg(test)]
mod platform;
#[cfg(test)]
mod poison;
#[cfg(test)]
mod replay;
#[cfg(test)]
mod reply_cache;
#[cfg(test)]
mod search;
#[cfg(test)]
mod streaming;
#[cfg(test)]
mod submit;
#[cfg(test)]
mod support;
#[cfg(test)]
mod turns;
