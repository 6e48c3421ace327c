//! The real `yogi` against the real server with a stub provider behind it.

#[cfg(test)]
mod answers;
#[cfg(test)]
mod batch;
#[cfg(test)]
mod compare;
#[cfg(test)]
mod kills;
#[cfg(test)]
mod looking;
#[cfg(test)]
mod provider_batch;
#[cfg(test)]
mod support;
#[cfg(test)]
mod usage;
